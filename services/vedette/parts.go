package main

import (
	"context"
	"fmt"

	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/executor/netguard"
	"github.com/vedette/vedette/pkg/executor/secrets"
	"github.com/vedette/vedette/services/api"
	"github.com/vedette/vedette/services/decider"
	"github.com/vedette/vedette/services/gate"
	"github.com/vedette/vedette/services/notifier"
	"github.com/vedette/vedette/services/projector"
	"github.com/vedette/vedette/services/runner"
	"github.com/vedette/vedette/services/scheduler"
	"github.com/vedette/vedette/services/vedette/asyncapi"
	"github.com/vedette/vedette/ui"
)

// part is one of the processes that make up Vedette.
type part struct {
	name, short, long, example string
	// flags registers the part's own flags.
	flags func(*settings, *pflag.FlagSet)
	// guards: EVENTS is checked where it is written and where its state is told.
	guards bool
	run    func(ctx context.Context, h *host) error
}

// parts is the table of the processes, in the order in which they stop: each before those that it
// needs to finish what it has in hand.
func parts() []part {
	return []part{
		{
			name: "api", short: "Serve API and web interface", guards: true, run: runAPI,
			long:    "Serve the REST API, the event stream and the web interface. Start as many as you like.",
			example: "  vedette api --nats-url nats://nats:4222 --http 0.0.0.0:8080   # with VEDETTE_ADMIN_TOKEN set",
			flags:   (*settings).apiFlags,
		},
		{
			name: "scheduler", short: "Send checks to runners when they are due", run: runScheduler,
			long:    "Send checks to the runners of their locations when they are due. One is active, others stand by.",
			example: "  vedette scheduler --nats-url nats://nats:4222",
			flags:   (*settings).schedulerFlags,
		},
		{
			name: "runner", short: "Execute the checks of a location", run: runRunner,
			long: "Execute the checks of a location. Start as many as you like, anywhere: they share its work.\n\n" +
				"A runner needs three permissions: to pull from its location's queue, to acknowledge, and to report to\n" +
				"the gate. Connected as --user runner-LOCATION it takes it that the account imports these three under\n" +
				"the names of deployments/nats.conf.",
			example: "  vedette runner --nats-url nats://nats:4222 --location eu\n" +
				"  vedette runner --nats-url tls://nats.example.org:4222 --location eu --user runner-eu   # with VEDETTE_PASSWORD set",
			flags: func(s *settings, f *pflag.FlagSet) {
				s.runnerFlags(f)
				s.remoteFlags(f)
			},
		},
		{
			name: "gate", short: "Take in what runners found", run: runGate,
			long:    "Take in what runners found, and store it. Start as many as you like.",
			example: "  vedette gate --nats-url nats://nats:4222",
		},
		{
			name: "decider", short: "Decide commands and statuses", guards: true, run: runDecider,
			long:    "Decide commands, statuses and incidents. One is active, others stand by.",
			example: "  vedette decider --nats-url nats://nats:4222",
		},
		{
			name: "projector", short: "Keep the read models", run: runProjector,
			long:    "Keep the read models up to date, and rebuild them where needed. One is active, others stand by.",
			example: "  vedette projector --nats-url nats://nats:4222",
		},
		{
			name: "notifier", short: "Tell what was decided", run: runNotifier,
			long:    "Tell what was decided: changes of status and incidents, in the log. One is active, others stand by.",
			example: "  vedette notifier --nats-url nats://nats:4222",
		},
	}
}

func runAPI(ctx context.Context, h *host) error {
	document, err := asyncapi.YAML(h.build.Version)
	if err != nil {
		return fmt.Errorf("describe the messages: %w", err)
	}
	return api.Run(ctx, h.messages, api.Options{
		Address: h.http, AdminToken: h.adminToken, Table: h.table, Version: h.build.Version, Assets: ui.Assets(),
		AsyncAPI: document, Integrity: h.bus, Backup: h.bus, Gatherer: h.registry, Registerer: h.registry, Log: h.logOf("api"), Listening: h.announce,
	})
}

func runScheduler(ctx context.Context, h *host) error {
	return scheduler.Run(ctx, h.messages, scheduler.Options{
		Validator: h.table, Holder: h.id, Locations: h.locations, Log: h.logOf("scheduler"), Registerer: h.registry,
	})
}

func runRunner(ctx context.Context, h *host) error {
	engine := executor.NewEngine(h.table, executor.Environment{
		Runner: h.id, Policy: netguard.Policy{Allow: h.allow, Deny: h.deny},
		Secrets: secrets.Source{Dir: h.secretsDir, Env: h.program.Env}, Log: h.logOf("runner"),
	})
	return runner.Run(ctx, h.runnerBus, runner.Options{
		ID: h.id, Location: h.location, Concurrency: h.concurrency, Engine: engine, References: h.references,
		Version: h.build.Version, ShutdownGrace: h.shutdownGrace, Log: h.logOf("runner"), Registerer: h.registry,
	})
}

func runGate(ctx context.Context, h *host) error {
	return gate.Run(ctx, h.messages, gate.Options{Log: h.logOf("gate"), Registerer: h.registry})
}

func runDecider(ctx context.Context, h *host) error {
	return decider.Run(ctx, h.messages, decider.Options{
		Validator: h.table, Holder: h.id, Log: h.logOf("decider"), Registerer: h.registry,
	})
}

func runProjector(ctx context.Context, h *host) error {
	return projector.Run(ctx, h.messages, projector.Options{Holder: h.id, Log: h.logOf("projector"), Registerer: h.registry})
}

func runNotifier(ctx context.Context, h *host) error {
	return notifier.Run(ctx, h.messages, notifier.Options{ID: h.id, Log: h.logOf("notifier"), Registerer: h.registry})
}
