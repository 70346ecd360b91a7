package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/services/vedette/cli"
)

func (p Program) upCommand() *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: "up", Short: "Run all of Vedette", GroupID: groupAll, Args: cli.Usage(cobra.NoArgs),
		Long: "Run all of Vedette in one process: API and web interface, scheduler, runner, gate, decider, projector,\n" +
			"notifier, with an embedded NATS server, or against the one of --nats-url.\n\n" +
			"It listens on this machine only, unless told otherwise. Stop it with Ctrl-C or SIGTERM: what is in hand\n" +
			"is finished first; a second signal ends it at once. Nothing acknowledged is lost either way.",
		Example: `  vedette up
  vedette up --data /var/lib/vedette --http 127.0.0.1:9000
  vedette up --http 0.0.0.0:8080                        # with VEDETTE_ADMIN_TOKEN set
  vedette up --nats-listen 127.0.0.1:4222 --remote-location eu`,
	}
	f := cmd.Flags()
	s.embeddedFlags(f)
	s.apiFlags(f)
	s.runnerFlags(f)
	s.natsFlags(f, "")
	s.topologyFlags(f)
	s.logFlags(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		// What the environment says may be meant for other processes; what the command line says is not.
		for _, name := range []string{"data", "durability", "nats-listen", "nats-password", "nats-runner-password", "remote-location"} {
			if f.Changed("nats-url") && f.Changed(name) {
				return cli.UsageError{Err: fmt.Errorf("--%s is of the embedded NATS server, and --nats-url says to use another one: give one of them", name)}
			}
		}
		return p.up(cmd, s)
	}
	return cmd
}

func (p Program) up(cmd *cobra.Command, s settings) error {
	s.locations = append([]string{s.location}, s.remoteLocations...)
	for _, location := range s.locations {
		if !monitor.ValidID(location) {
			return cli.UsageError{Err: fmt.Errorf("location %q: use 1 to 64 characters of a-z, 0-9, _ and -", location)}
		}
	}
	h, err := p.newHost(s)
	if err != nil {
		return err
	}
	h.announce = h.announceUp
	if s.nats.URL == "" {
		if err := h.startServer(); err != nil {
			return err
		}
	}
	return h.serve(cmd.Context(), "up", oneByOne())
}

// oneByOne has all parts end one after the other.
func oneByOne() [][]part {
	var stages [][]part
	for _, each := range parts() {
		stages = append(stages, []part{each})
	}
	return stages
}

func (p Program) partCommand(which part) *cobra.Command {
	var s settings
	cmd := &cobra.Command{
		Use: which.name, Short: which.short, Long: which.long, Example: which.example, GroupID: groupPart,
		Args: cli.Usage(cobra.NoArgs),
	}
	f := cmd.Flags()
	if which.flags != nil {
		which.flags(&s, f)
	}
	s.natsFlags(f, "nats://127.0.0.1:4222")
	if which.name != "runner" {
		s.topologyFlags(f)
	}
	if which.name != "api" {
		s.healthFlag(f)
	}
	s.logFlags(f)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		h, err := p.newHost(s)
		if err != nil {
			return err
		}
		h.announce = h.announceAPI
		return h.serve(cmd.Context(), which.name, [][]part{{which}})
	}
	return cmd
}

// announceUp says where everything is, once the API listens.
func (h *host) announceUp(address net.Addr) {
	base := browsable(address)
	nats := "embedded, in this process only; --nats-listen opens it to others"
	switch {
	case h.server == nil:
		nats = withoutUser(h.nats.URL)
	case h.server.ClientURL() != "":
		nats = h.server.ClientURL()
	}
	data := h.data
	if h.server == nil {
		data = "in NATS"
	}
	h.print("Vedette "+h.build.Version+" is up", [][2]string{
		{"Web", base + "/"}, {"API", base + "/api/v1"}, {"Docs", base + "/docs"},
		{"Events", base + "/api/v1/events/stream"}, {"NATS", nats}, {"Data", data},
		{"Next", "vedette check add --help"},
	})
}

// announceAPI says where the API is, once it listens.
func (h *host) announceAPI(address net.Addr) {
	base := browsable(address)
	h.print("Vedette "+h.build.Version+" serves", [][2]string{{"Web", base + "/"}, {"API", base + "/api/v1"}, {"Docs", base + "/docs"}})
}

func (h *host) print(title string, lines [][2]string) {
	var out strings.Builder
	out.WriteString(title + "\n\n")
	for _, l := range lines {
		fmt.Fprintf(&out, "  %-7s %s\n", l[0], l[1])
	}
	if _, err := fmt.Fprintln(h.program.Out, out.String()); err != nil {
		h.log.Warn("standard output cannot be written", "error", err)
	}
}

// browsable is an address for a browser on this machine.
func browsable(address net.Addr) string {
	tcp, ok := address.(*net.TCPAddr)
	if !ok {
		return "http://" + address.String()
	}
	if tcp.IP.IsUnspecified() {
		return fmt.Sprintf("http://127.0.0.1:%d", tcp.Port)
	}
	return "http://" + tcp.String()
}

// withoutUser takes the users and passwords out of the addresses of servers.
func withoutUser(servers string) string {
	parts := strings.Split(servers, ",")
	for i, server := range parts {
		if at := strings.LastIndex(server, "@"); at >= 0 {
			scheme, _, _ := strings.Cut(server[:at], "://")
			parts[i] = scheme + "://" + server[at+1:]
		}
	}
	return strings.Join(parts, ",")
}
