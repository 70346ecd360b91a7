package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/readmodel"
	"github.com/vedette/vedette/services/vedette/client"
)

// definitionFlags are the flags that say what a check is. What they hold goes to the server as it
// is: the server knows what is allowed, and its answer names the field.
type definitionFlags struct {
	file                        string
	assertions, options, labels []string
	locations                   []string
}

// texts are the flags of text and duration: flag, field, help.
func texts() [][3]string {
	return [][3]string{
		{"name", "name", "name for people; the id if not given"},
		{"service", "service", "id of the service it belongs to"},
		{"kind", "kind", "kind of check, such as http or dns: see vedette kinds"},
		{"target", "target", "what to look at: a URL, a name, …"},
		{"interval", "interval", "time between executions, such as 30s"},
		{"cron", "cron", "times of execution instead of an interval: minute hour day month weekday"},
		{"time-zone", "time_zone", "IANA time zone of --cron, such as Europe/Vienna"},
		{"grace", "grace", "how long after it was expected a heartbeat may come, such as 5m"},
		{"stale-after", "stale_after", "time without a result after which it is unknown; two intervals and a timeout if not given"},
		{"timeout", "timeout", "time for one attempt, such as 10s"},
		{"retry-delay", "retry_delay", "time between attempts"},
		{"degraded-after", "degraded_after", "a slower success makes it degraded"},
	}
}

// numbers are the flags of whole numbers.
func numbers() [][3]string {
	return [][3]string{
		{"retries", "retries", "attempts after a failed one, within one execution"},
		{"failure-threshold", "failure_threshold", "failures in a row that make it down"},
		{"success-threshold", "success_threshold", "successes in a row that end that"},
		{"quorum", "quorum", "locations that must be down for it to be down"},
	}
}

func (d *definitionFlags) register(flags *pflag.FlagSet) {
	own := pflag.NewFlagSet("", pflag.ContinueOnError)
	own.StringVarP(&d.file, "file", "f", "", "read the definition from a file, JSON or YAML; - is standard input")
	for _, f := range texts() {
		own.String(f[0], "", f[2])
	}
	for _, f := range numbers() {
		own.Int(f[0], 0, f[2])
	}
	own.StringArrayVar(&d.assertions, "assert", nil, "assertion in CEL, such as 'status == 200'; repeat for several")
	own.StringArrayVar(&d.options, "option", nil, "option of the kind, name=value, such as method=HEAD or headers.Accept=text/html; name- takes it away; repeat for several")
	own.StringArrayVar(&d.labels, "label", nil, "label, key=value; key- takes it away; repeat for several")
	own.StringSliceVar(&d.locations, "location", nil, "location to look from; repeat for several")
	own.Bool("invert", false, "swap success and failure")
	own.Bool("paused", false, "register it without executing it")
	markDefinition(own)
	flags.AddFlagSet(own)
}

// markDefinition keeps flags from being set by the environment.
func markDefinition(flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) { must(flags.SetAnnotation(f.Name, definitionFlag, []string{"true"})) })
}

// given reports whether any flag says something of a definition.
func given(flags *pflag.FlagSet) bool {
	found := false
	flags.Visit(func(f *pflag.Flag) { found = found || len(f.Annotations[definitionFlag]) > 0 })
	return found
}

// patch is what the flags given say, as a merge patch (RFC 7396): an empty text takes a field back
// to its default. kind is that of the check, where the flags do not say.
func (d *definitionFlags) patch(ctx context.Context, c *client.Client, flags *pflag.FlagSet, kind string) (client.Object, error) {
	patch := client.Object{}
	for _, f := range texts() {
		if flags.Changed(f[0]) {
			patch[f[1]] = orNull(flags.Lookup(f[0]).Value.String())
		}
	}
	for _, f := range append(numbers(), [3]string{"invert", "invert"}, [3]string{"paused", "paused"}) {
		if flags.Changed(f[0]) {
			patch[f[1]] = json.RawMessage(flags.Lookup(f[0]).Value.String())
		}
	}
	if flags.Changed("assert") {
		patch["assertions"] = withoutEmpty(d.assertions)
	}
	if flags.Changed("location") {
		patch["locations"] = withoutEmpty(d.locations)
	}
	labels, err := pairs("label", d.labels)
	if err != nil {
		return nil, err
	}
	if len(labels) > 0 {
		patch["labels"] = labels
	}
	if len(d.options) > 0 {
		if flags.Changed("kind") {
			kind = flags.Lookup("kind").Value.String()
		}
		if patch["options"], err = d.optionsObject(ctx, c, kind); err != nil {
			return nil, err
		}
	}
	return patch, nil
}

func orNull(value string) any {
	if value == "" {
		return nil
	}
	return value
}

func withoutEmpty(values []string) []string {
	kept := []string{}
	for _, v := range values {
		if v != "" {
			kept = append(kept, v)
		}
	}
	return kept
}

// pairs reads key=value, and key- as the removal of a key.
func pairs(flag string, texts []string) (client.Object, error) {
	object := client.Object{}
	for _, text := range texts {
		key, value, ok := strings.Cut(text, "=")
		switch removed, removal := strings.CutSuffix(text, "-"); {
		case ok && key != "":
			object[key] = value
		case removal && !ok && removed != "":
			object[removed] = nil
		default:
			return nil, UsageError{fmt.Errorf("--%s %q: use name=value, or name- to take it away", flag, text)}
		}
	}
	return object, nil
}

// optionsObject makes an object of --option, the values of the types that the kind's options have.
func (d *definitionFlags) optionsObject(ctx context.Context, c *client.Client, kind string) (client.Object, error) {
	given, err := pairs("option", d.options)
	if err != nil {
		return nil, err
	}
	schema, err := schemaOf(ctx, c, kind)
	if err != nil {
		return nil, err
	}
	object := client.Object{}
	for path, value := range given {
		put(object, schema, path, value)
	}
	return object, nil
}

// schemaOf is the schema of a kind's options; empty when the server does not know the kind, which
// it will say itself.
func schemaOf(ctx context.Context, c *client.Client, kind string) (*client.Schema, error) {
	kinds, err := c.Kinds(ctx)
	if err != nil {
		return nil, err
	}
	for _, k := range kinds.Items {
		if k.Value.Name == kind {
			return &k.Value.Options, nil
		}
	}
	return &client.Schema{}, nil
}

// put sets the option at a path of names joined by dots. The names of an object's members that the
// schema does not list, such as headers, may hold dots themselves.
func put(object client.Object, schema *client.Schema, path string, value any) {
	name, rest, deeper := strings.Cut(path, ".")
	property := schema.Properties[name]
	if !deeper {
		object[name] = typed(property, value)
		return
	}
	inner, ok := object[name].(client.Object)
	if !ok {
		inner = client.Object{}
		object[name] = inner
	}
	if property == nil || len(property.Properties) == 0 {
		inner[rest] = value
		return
	}
	put(inner, property, rest, value)
}

// typed reads a value as the schema wants it. What cannot be read goes as text, for the server to
// say what it wants.
func typed(schema *client.Schema, value any) any {
	text, ok := value.(string)
	if !ok || schema == nil {
		return value
	}
	switch schema.Type {
	case "boolean":
		if b, err := strconv.ParseBool(text); err == nil {
			return b
		}
	case "integer", "number":
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	case "array":
		if json.Valid([]byte(text)) && strings.HasPrefix(text, "[") {
			return json.RawMessage(text)
		}
		return strings.Split(text, ",")
	case "object":
		if json.Valid([]byte(text)) {
			return json.RawMessage(text)
		}
	}
	return text
}

// merge puts a patch over an object (RFC 7396).
func merge(object, patch client.Object) client.Object {
	merged := client.Object{}
	maps.Copy(merged, object)
	for name, value := range patch {
		inner, isObject := value.(client.Object)
		switch {
		case value == nil:
			delete(merged, name)
		case isObject:
			before, _ := merged[name].(client.Object)
			merged[name] = merge(before, inner)
		default:
			merged[name] = value
		}
	}
	return merged
}

// definition is what flags and file say together; flags come first. etag is that of the revision
// that the file was read at, if it says so.
func (a *app) definition(ctx context.Context, c *client.Client, cmd *cobra.Command, d *definitionFlags) (object client.Object, etag string, err error) {
	object = client.Object{}
	if d.file != "" {
		if object, err = a.readObject(d.file); err != nil {
			return nil, "", err
		}
		etag = givenBack(object, readmodel.CheckView{}, monitor.Definition{})
	}
	kind, _ := object["kind"].(string)
	patch, err := d.patch(ctx, c, cmd.Flags(), kind)
	if err != nil {
		return nil, "", err
	}
	return merge(object, patch), etag, nil
}
