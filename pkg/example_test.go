package vedette_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/vedette/vedette/pkg/bus"
	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/kinds"
	"github.com/vedette/vedette/pkg/monitor"
)

// An HTTP check is executed, its result stored, and its event handed to a subscriber.
func Example() {
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") }))
	defer site.Close()
	ctx, stop := context.WithCancel(context.Background())

	router := bus.NewRouter()
	_ = bus.Subscribe(router, func(_ context.Context, _ monitor.Meta, e monitor.CheckSucceeded) error {
		fmt.Println(e.Result.CheckID, "is", e.Result.Outcome, "with status", e.Result.Observed["status"])
		stop()
		return nil
	})
	table, err := kinds.Table()
	if err != nil {
		panic(err)
	}
	engine := executor.NewEngine(table, executor.Environment{Runner: "example"})
	check := monitor.Definition{ID: "home", Kind: "http", Target: site.URL, Assertions: []string{"status == 200"}}.WithDefaults()
	result := engine.Execute(ctx, monitor.Execution{Check: check, Location: "here", DueAt: time.Now()})

	b := bus.NewMemory()
	_, _ = b.AppendResults(ctx, "here", []monitor.EventMessage{{Event: monitor.Executed(result)}})
	_ = b.FollowResults(ctx, 0, router.Follower(ctx), nil)
	// Output: home is success with status 200
}
