package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/spf13/cobra"

	"github.com/vedette/vedette/pkg/process"
	"github.com/vedette/vedette/services/api"
	"github.com/vedette/vedette/services/vedette/asyncapi"
	"github.com/vedette/vedette/services/vedette/cli"
)

func (p Program) versionCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "version", Short: "Show the version of this program", Args: cli.Usage(cobra.NoArgs),
		Example: "  vedette version\n  vedette version -o json",
	}
	chooseVar(cmd.Flags(), &output, "output", "o", "table", "how to write it", []string{"table", "json", "yaml"})
	cmd.RunE = func(*cobra.Command, []string) error {
		b := process.ThisBuild(version)
		switch output {
		case "json":
			encoder := json.NewEncoder(p.Out)
			encoder.SetIndent("", "  ")
			return encoder.Encode(b)
		case "yaml":
			raw, err := yaml.MarshalWithOptions(b, yaml.UseJSONMarshaler())
			if err == nil {
				_, err = p.Out.Write(raw)
			}
			return err
		}
		commit := b.Commit
		if b.Modified {
			commit += ", changed since"
		}
		_, err := fmt.Fprintf(p.Out, "vedette %s\n", b.Version)
		for _, line := range [][2]string{{"commit", commit}, {"of", b.Time}, {"built with", b.Go}, {"for", b.Platform}} {
			if line[1] != "" && err == nil {
				_, err = fmt.Fprintf(p.Out, "%-11s %s\n", line[0], line[1])
			}
		}
		return err
	}
	return cmd
}

// documentVersion is the version in documents that are kept in the repository, so that a release
// does not change them.
const documentVersion = "0.0.0"

func (p Program) openAPICommand() *cobra.Command {
	return p.documentCommand("openapi", "Print the OpenAPI document of the REST API", api.OpenAPI)
}

func (p Program) asyncAPICommand() *cobra.Command {
	return p.documentCommand("asyncapi", "Print the AsyncAPI document of the messages", asyncapi.YAML)
}

func (p Program) documentCommand(name, short string, document func(version string) ([]byte, error)) *cobra.Command {
	var of string
	cmd := &cobra.Command{
		Use: name, Short: short, Hidden: true, Args: cli.Usage(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			raw, err := document(of)
			if err != nil {
				return err
			}
			_, err = p.Out.Write(raw)
			return err
		},
	}
	cmd.Flags().StringVar(&of, "of-version", documentVersion, "version to write into it")
	return cmd
}

// healthTimeout bounds the answer of a process that is asked whether it is well.
const healthTimeout = 5 * time.Second

// healthCommand is for containers, which hold no other program that could ask.
func (p Program) healthCommand() *cobra.Command {
	return &cobra.Command{
		Use: "healthcheck [URL]", Short: "Ask a process whether it is well", Hidden: true,
		Args:    cli.Usage(cobra.MaximumNArgs(1)),
		Example: "  vedette healthcheck http://127.0.0.1:8081/readyz",
		RunE: func(cmd *cobra.Command, args []string) error {
			address := "http://" + api.DefaultAddress + "/healthz"
			if len(args) == 1 {
				address = args[0]
			}
			return p.healthcheck(cmd.Context(), address)
		},
	}
}

func (p Program) healthcheck(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, healthTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return cli.UsageError{Err: err}
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	const maxReason = 4 << 10
	raw, err := io.ReadAll(io.LimitReader(response.Body, maxReason))
	if err = errors.Join(err, response.Body.Close()); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", address, response.Status, raw)
	}
	return nil
}
