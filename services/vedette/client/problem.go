package client

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/vedette/vedette/pkg/monitor"
)

// Problem is an answer of kind application/problem+json (RFC 9457): the request was refused.
type Problem struct {
	Status int               `json:"status"`
	Title  string            `json:"title"`
	Detail string            `json:"detail"`
	Errors []monitor.Problem `json:"errors"`
}

// Error is the detail, and one line for each field with something wrong.
func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	if p.Status == http.StatusUnauthorized {
		text += "\nGive the server's admin token with --token or VEDETTE_TOKEN."
	}
	width := 0
	for _, e := range p.Errors {
		width = max(width, len(e.Field))
	}
	for _, e := range p.Errors {
		text += fmt.Sprintf("\n  %-*s  %s", width, e.Field, e.Message)
	}
	return text
}

// NotFound reports whether what was asked for does not exist.
func (p *Problem) NotFound() bool { return p.Status == http.StatusNotFound }

// Refused reports whether the request was at fault, so that repeating it is of no use.
func (p *Problem) Refused() bool {
	return p.Status >= http.StatusBadRequest && p.Status < http.StatusInternalServerError && !p.NotFound()
}

// problemOf reads a refusal. Something else than Vedette may have answered: a proxy, say.
func problemOf(response *http.Response, raw []byte) *Problem {
	p := &Problem{}
	if err := json.Unmarshal(raw, p); err != nil || (p.Title == "" && p.Detail == "") {
		p = &Problem{Title: fmt.Sprintf("%s answers %s", response.Request.URL.Host, response.Status)}
		if text := strings.TrimSpace(string(raw)); text != "" && len(text) < 200 && !strings.HasPrefix(text, "<") {
			p.Detail = p.Title + ": " + text
		}
	}
	p.Status = response.StatusCode
	return p
}
