package executor

import "sync"

// cache keeps what was made of texts. It is bounded in what its keys and values weigh together; at
// the bound it forgets any ones for each new one. Safe for concurrent use.
type cache[K comparable, V any] struct {
	// most bounds the weight of all, in bytes; weight is that of one, always the same.
	most   int
	weight func(key K, value V) int

	mu      sync.RWMutex
	kept    map[K]V
	weights int
}

func (c *cache[K, V]) get(key K) (V, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	value, ok := c.kept[key]
	return value, ok
}

func (c *cache[K, V]) put(key K, value V) {
	weight := c.weight(key, value)
	if weight > c.most {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.kept[key]; ok {
		return // another was faster
	}
	if c.kept == nil {
		c.kept = make(map[K]V)
	}
	for other, kept := range c.kept {
		if c.weights+weight <= c.most {
			break
		}
		delete(c.kept, other)
		c.weights -= c.weight(other, kept)
	}
	c.kept[key] = value
	c.weights += weight
}
