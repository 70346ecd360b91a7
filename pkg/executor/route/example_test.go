package route_test

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/option"
	"github.com/vedette/vedette/pkg/executor/route"
)

// Options of a kind: its own, and those of the network.
type Options struct {
	Greeting string `json:"greeting" help:"What to say."`

	route.Options
	route.ProxyOptions
}

func Example() {
	var o Options
	problems := option.Decode([]byte(`{"ip_version":"4","source_address":"127.0.0.2"}`), &o)
	way, more := route.New(o.Options, o.ProxyOptions)
	problems = append(problems, more...)
	if err := problems.Err(); err != nil {
		fmt.Println(err)
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = listener.Close() }()

	ctx := context.Background()
	tools := executor.Tools{Secret: func(text string) (string, error) { return text, nil }} // the engine gives them

	// A kind with a protocol of its own; package endpoint puts secrets in and keeps time as well.
	conn, err := way.Dial(ctx, tools, "tcp", listener.Addr().String())
	if err != nil {
		fmt.Println(executor.Explain(err, "while connecting"))
		return
	}
	host, _, _ := net.SplitHostPort(conn.LocalAddr().String())
	fmt.Println("connected from", host)
	_ = conn.Close()

	// A kind that speaks by net/http.
	transport := &http.Transport{DialContext: way.Dialer(tools)}
	transport.CloseIdleConnections()

	// A kind that opens no connection: addresses that the policy permits, the one to take first.
	addresses, err := way.Resolve(ctx, tools, "127.0.0.1")
	fmt.Println(addresses, way.Source(), err)
	// Output:
	// connected from 127.0.0.2
	// [127.0.0.1] 127.0.0.2 <nil>
}
