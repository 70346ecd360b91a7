package demo

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/vedette/vedette/pkg/monitor"
)

// Services and checks of the demo.

func services() []monitor.ServiceDefinition {
	var all []monitor.ServiceDefinition
	for _, s := range [][3]string{
		{"web", "Web site", "What visitors see."}, {"shop", "Shop", "Baskets, orders, payments."}, {"search", "Search", "Finds things, slowly."},
		{"accounts", "Accounts", "Logins and profiles."}, {"media", "Media", "Pictures and video."}, {"mail", "Mail", "What we send."},
		{"partners", "Partners", "Interfaces of others."}, {"internal", "Inside", "What only we use."},
	} {
		all = append(all, monitor.ServiceDefinition{ID: s[0], Name: s[1], Description: s[2], Labels: map[string]string{"demo": "made-up"}}.WithDefaults())
	}
	return all
}

// checks are forty: most are well, as in life.
func (t *Targets) checks() ([]monitor.Definition, error) {
	var all []monitor.Definition
	for service, targets := range map[string][]string{
		"web":      {"steady-home", "steady-about", "steady-prices", "steady-blog", "flapping-news", "steady-help"},
		"shop":     {"steady-basket", "steady-orders", "flapping-payments", "steady-stock", "queue-invoices", "steady-vouchers"},
		"search":   {"slow-find", "steady-index", "slow-suggest", "steady-crawler"},
		"accounts": {"steady-login", "steady-profile", "steady-sessions", "flapping-avatars"},
		"media":    {"steady-images", "slow-video", "steady-thumbnails", "steady-uploads"},
		"partners": {"failing-bank", "steady-carrier", "steady-weather", "flapping-maps", "slow-tax"},
		"internal": {"steady-wiki", "steady-builds", "steady-chat", "queue-jobs", "steady-backups", "steady-reports"},
	} {
		for _, name := range targets {
			d, err := t.check(service, name)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
	}
	more, err := t.others()
	return append(all, more...), err
}

func (t *Targets) check(service, name string) (monitor.Definition, error) {
	d := monitor.Definition{
		ID: name, Name: title(name), Service: service, Kind: "http", Target: "http://" + t.HTTP + "/" + name,
		Assertions: []string{"status == 200"}, Interval: monitor.Duration(10 * time.Second), Timeout: monitor.Duration(3 * time.Second),
		FailureThreshold: 2, DegradedAfter: monitor.Duration(250 * time.Millisecond), Labels: map[string]string{"demo": "made-up"},
	}
	if kindOf(name) == "queue" {
		options, err := json.Marshal(map[string]any{"extract": map[string]string{"queue": "$.queue"}})
		if err != nil {
			return d, fmt.Errorf("options of %s: %w", name, err)
		}
		d.Kind, d.Options, d.Assertions = "json", options, []string{"extracted.queue < 100.0"}
	}
	return d.WithDefaults(), nil
}

// others are checks of other kinds.
func (t *Targets) others() ([]monitor.Definition, error) {
	tls, err := json.Marshal(map[string]any{"ca": t.CA})
	if err != nil {
		return nil, fmt.Errorf("options of certificate: %w", err)
	}
	labels := map[string]string{"demo": "made-up"}
	all := []monitor.Definition{
		{ID: "certificate", Name: "Certificate", Service: "web", Kind: "tls", Target: t.TLS, Options: tls, Assertions: []string{"certificate.expires_in > duration('72h')"}},
		{ID: "smtp", Name: "Mail server", Service: "mail", Kind: "tcp", Target: t.Mail, Options: json.RawMessage(`{"steps":["expect ^220 "]}`)},
		{ID: "name", Name: "Name of this machine", Service: "internal", Kind: "dns", Target: "localhost"},
		{ID: "mail-queue", Name: "Mail queue", Service: "mail", Kind: "http", Target: "http://" + t.HTTP + "/steady-outbox"},
		{ID: "newsletter", Name: "Newsletter", Service: "mail", Kind: "http", Target: "http://" + t.HTTP + "/steady-newsletter"},
	}
	for i := range all {
		all[i].Interval, all[i].FailureThreshold, all[i].Labels = monitor.Duration(10*time.Second), 2, labels
		all[i] = all[i].WithDefaults()
	}
	return all, nil
}
