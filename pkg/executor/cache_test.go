package executor

import (
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestCacheIsBounded(t *testing.T) {
	c := cache[string, int]{most: 1000, weight: func(key string, _ int) int { return 10 * len(key) }}
	for i := range 500 {
		key := fmt.Sprintf("%03d", i)
		c.put(key, i)
		got, ok := c.get(key)
		require.True(t, ok)
		require.Equal(t, i, got)
		require.LessOrEqual(t, len(c.kept), 33)
		require.Equal(t, 30*len(c.kept), c.weights)
	}
	require.Len(t, c.kept, 33)
	c.put(string(make([]byte, 101)), 1)
	require.Len(t, c.kept, 33, "what is too heavy for all is not kept")
	c.put("x", 1)
	c.put("x", 2)
	got, _ := c.get("x")
	require.Equal(t, 1, got)
	require.LessOrEqual(t, c.weights, 1000)
}

func TestCacheIsSafeForConcurrentUse(t *testing.T) {
	c := cache[int, int]{most: 50, weight: func(int, int) int { return 1 }}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range 1000 {
				c.put(i%100, i%100)
				if got, ok := c.get(i % 100); ok && got != i%100 {
					t.Errorf("%d is %d", i%100, got)
				}
			}
		})
	}
	group.Wait()
	require.Len(t, c.kept, 50)
}
