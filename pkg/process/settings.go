package process

import (
	"errors"
	"fmt"
	"strings"
)

// Setting is a flag of the command line as the environment sees it.
type Setting struct {
	// Name is the flag's: "nats-url".
	Name string
	// Given says that the command line sets it: then the environment is not asked.
	Given bool
	// Set takes a value as the command line would.
	Set func(value string) error
}

// Variable is the environment variable of a flag: VEDETTE_NATS_URL of nats-url.
func Variable(flag string) string {
	return "VEDETTE_" + strings.ToUpper(strings.ReplaceAll(flag, "-", "_"))
}

// FromEnvironment sets what the command line does not give and the environment does: a flag comes
// before its variable, and that before the default. An empty variable is as good as none. Every
// value that cannot be used is reported, with the name of its variable.
func FromEnvironment(settings []Setting, lookup func(name string) (string, bool)) error {
	var problems []error
	for _, s := range settings {
		value, ok := lookup(Variable(s.Name))
		if s.Given || !ok || value == "" {
			continue
		}
		if err := s.Set(value); err != nil {
			problems = append(problems, fmt.Errorf("%s=%q in the environment: %w", Variable(s.Name), value, err))
		}
	}
	return errors.Join(problems...)
}
