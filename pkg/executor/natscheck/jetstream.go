package natscheck

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// account is what an account has of JetStream, and may have: -1 for no limit. Sizes are in bytes.
type account struct {
	Memory    int `json:"memory"`
	Storage   int `json:"storage"`
	Streams   int `json:"streams"`
	Consumers int `json:"consumers"`
	Limits    struct {
		Memory  int `json:"max_memory"`
		Storage int `json:"max_storage"`
	} `json:"limits"`
}

// stream is the state of a stream.
type stream struct {
	Config struct {
		MaxMessages int    `json:"max_msgs"`
		MaxBytes    int    `json:"max_bytes"`
		Discard     string `json:"discard"`
		AllowDirect bool   `json:"allow_direct"`
		Replicas    int    `json:"num_replicas"`
	} `json:"config"`
	State struct {
		Messages  int `json:"messages"`
		Bytes     int `json:"bytes"`
		Consumers int `json:"consumer_count"`
	} `json:"state"`
	Cluster *cluster `json:"cluster"`
}

// consumer is the state of a consumer.
type consumer struct {
	Config struct {
		MaxAckPending int `json:"max_ack_pending"`
	} `json:"config"`
	Pending     int      `json:"num_pending"`
	AckPending  int      `json:"num_ack_pending"`
	Redelivered int      `json:"num_redelivered"`
	Waiting     int      `json:"num_waiting"`
	Cluster     *cluster `json:"cluster"`
}

// cluster is who keeps a stream or consumer; nil where the server does not say.
type cluster struct {
	Leader   string   `json:"leader"`
	Replicas replicas `json:"replicas"`
}

// replica is one of those that follow a leader.
type replica struct {
	Name    string `json:"name"`
	Current bool   `json:"current"`
	Offline bool   `json:"offline"`
	Lag     int    `json:"lag"`
}

type replicas []replica

// UnmarshalJSON implements json.Unmarshaler. No stream has as many as it refuses.
func (r *replicas) UnmarshalJSON(raw []byte) error {
	const most = 100
	decoder := json.NewDecoder(bytes.NewReader(raw))
	if _, err := decoder.Token(); err != nil {
		return err
	}
	for decoder.More() {
		var one replica
		if err := decoder.Decode(&one); err != nil {
			return err
		}
		if *r = append(*r, one); len(*r) > most {
			return errUnreadable
		}
	}
	return nil
}

// leaderless reports whether nobody leads.
func (c *cluster) leaderless() bool { return c != nil && c.Leader == "" }

// current is how many replicas have all that there is, the leader among them.
func (c *cluster) current() int {
	if c == nil {
		return 1
	}
	count := 0
	if c.Leader != "" {
		count++
	}
	for _, r := range c.Replicas {
		if r.Current && !r.Offline {
			count++
		}
	}
	return count
}

// entry is the value of a key.
type entry struct {
	value    []byte
	revision int
	written  time.Time
}

// errAPI is what JetStream answers instead of what it was asked for.
type errAPI struct {
	Number      int    `json:"err_code"`
	Description string `json:"description"`
}

func (e *errAPI) Error() string { return fmt.Sprintf("%s (%d)", e.Description, e.Number) }

// The numbers of JetStream's errors, of which there is a list in nats-server.
const (
	numberNoConsumer = 10014
	numberNoMessage  = 10037
	numberNoStream   = 10059
)

// numbered reports whether an error is JetStream's of that number.
func numbered(err error, number int) bool {
	var failed *errAPI
	return errors.As(err, &failed) && failed.Number == number
}

// errNobody: no part of the server listens to a subject.
var errNobody = errors.New("JetStream does not answer: it is not enabled for this account")

// errUnreadable: JetStream answered with what is no answer.
var errUnreadable = errors.New("JetStream answered with what cannot be read")

// ask asks JetStream's API, and decodes the answer into what into points to.
func (c *client) ask(subject string, question, into any) error {
	body := []byte{}
	if question != nil {
		raw, err := json.Marshal(question)
		if err != nil {
			return fmt.Errorf("write the question to %s: %w", subject, err)
		}
		body = raw
	}
	answer, err := c.request(subject, body)
	if err != nil {
		return err
	}
	if answer.status == http.StatusServiceUnavailable {
		return errNobody
	}
	var failed struct {
		Error *errAPI `json:"error"`
	}
	if json.Unmarshal(answer.body, &failed) != nil {
		return errUnreadable
	}
	if failed.Error != nil {
		return failed.Error
	}
	if json.Unmarshal(answer.body, into) != nil {
		return errUnreadable
	}
	return nil
}

// value reads a key as clients do: of whichever replica answers, and where the bucket does not allow
// that, of the leader. Servers before 2.10 say nothing at all where it is not allowed, so that they are
// asked for that first.
func (c *client) value(api, bucket, key string) (entry, error) {
	stored, subject := new(stream), "$KV."+bucket+"."+key
	switch err := c.ask(api+".STREAM.INFO.KV_"+bucket, nil, stored); {
	case numbered(err, numberNoStream):
		return entry{}, fmt.Errorf("there is no bucket %s", bucket)
	case err != nil:
		return entry{}, about("the bucket "+bucket, err)
	case !stored.Config.AllowDirect:
		return c.valueOfLeader(api, bucket, key)
	}
	answer, err := c.request(api+".DIRECT.GET.KV_"+bucket+"."+subject, nil)
	switch {
	case err != nil:
		return entry{}, err
	case answer.status == http.StatusNotFound:
		return entry{}, errNoKey(bucket, key)
	case answer.status != 0:
		return entry{}, fmt.Errorf("JetStream answered %d about the key %s of the bucket %s", answer.status, key, bucket)
	}
	written, err := time.Parse(time.RFC3339Nano, answer.headers["Nats-Time-Stamp"])
	if err != nil {
		return entry{}, errUnreadable
	}
	found := entry{value: answer.body, written: written}
	if _, err := fmt.Sscan(answer.headers["Nats-Sequence"], &found.revision); err != nil {
		return entry{}, errUnreadable
	}
	return found, deleted(answer.headers, bucket, key)
}

func (c *client) valueOfLeader(api, bucket, key string) (entry, error) {
	var answer struct {
		Message struct {
			Sequence int       `json:"seq"`
			Head     string    `json:"hdrs"`
			Body     string    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	question := map[string]string{"last_by_subj": "$KV." + bucket + "." + key}
	err := c.ask(api+".STREAM.MSG.GET.KV_"+bucket, question, &answer)
	switch {
	case numbered(err, numberNoMessage):
		return entry{}, errNoKey(bucket, key)
	case err != nil:
		return entry{}, about("the bucket "+bucket, err)
	}
	value, err := base64.StdEncoding.DecodeString(answer.Message.Body)
	if err != nil {
		return entry{}, errUnreadable
	}
	found := entry{value: value, revision: answer.Message.Sequence, written: answer.Message.Time}
	if answer.Message.Head == "" {
		return found, nil
	}
	head, err := base64.StdEncoding.DecodeString(answer.Message.Head)
	if err != nil {
		return entry{}, errUnreadable
	}
	_, headers, err := parseHead(string(head))
	if err != nil {
		return entry{}, errUnreadable
	}
	return found, deleted(headers, bucket, key)
}

func errNoKey(bucket, key string) error {
	return fmt.Errorf("the bucket %s has no key %s", bucket, key)
}

// deleted is an error when the headers of a key's last message say that it is gone.
func deleted(headers map[string]string, bucket, key string) error {
	operation := headers["KV-Operation"]
	if operation != "DEL" && operation != "PURGE" && headers["Nats-Marker-Reason"] == "" {
		return nil
	}
	return fmt.Errorf("the key %s of the bucket %s was deleted", key, bucket)
}

// about says what an error of JetStream's is about; other errors say that themselves.
func about(what string, err error) error {
	var failed *errAPI
	if errors.As(err, &failed) {
		return fmt.Errorf("JetStream answered about %s: %w", what, err)
	}
	return err
}
