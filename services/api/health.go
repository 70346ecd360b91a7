package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/adaptor"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health is the answer of a process that is well.
type Health struct {
	Status string `json:"status"`
}

// probeTimeout bounds the proof that the streams take writes.
const probeTimeout = 5 * time.Second

// rootRoutes are the routes beside the API.
func (s *server) rootRoutes(app *fiber.App) error {
	app.Get("/healthz", func(c *fiber.Ctx) error { return c.JSON(Health{Status: "ok"}) })
	app.Get("/readyz", s.readyz)
	if s.opt.Gatherer != nil {
		app.Get("/metrics", adaptor.HTTPHandler(promhttp.HandlerFor(s.opt.Gatherer, promhttp.HandlerOpts{})))
	}
	app.Get("/openapi.json", func(c *fiber.Ctx) error {
		c.Set(fiber.HeaderContentType, typeJSON)
		return c.Send(s.openAPI)
	})
	if s.opt.AsyncAPI != nil {
		app.Get("/asyncapi.yaml", func(c *fiber.Ctx) error {
			c.Set(fiber.HeaderContentType, "application/yaml; charset=utf-8")
			return c.Send(s.opt.AsyncAPI)
		})
		app.Get("/asyncapi.json", s.asyncAPI)
	}
	return docsRoutes(app)
}

// readyz proves that requests can be served.
func (s *server) readyz(c *fiber.Ctx) error {
	if !s.isReady() {
		return errStarting()
	}
	if !s.events.alive() {
		return problem(http.StatusServiceUnavailable, "starting", "the events are not being followed yet").after(time.Second)
	}
	ctx, cancel := context.WithTimeout(s.work, probeTimeout)
	defer cancel()
	if err := s.bus.Probe(ctx); err != nil {
		return problem(http.StatusServiceUnavailable, "unwritable", "the message bus does not take writes: %v", err).after(5 * time.Second)
	}
	return c.JSON(Health{Status: "ready"})
}

func (s *server) asyncAPI(c *fiber.Ctx) error {
	var document map[string]any
	if err := yaml.Unmarshal(s.opt.AsyncAPI, &document); err != nil {
		return s.internal("reading the AsyncAPI document", err)
	}
	raw, err := json.Marshal(document)
	if err != nil {
		return s.internal("writing the AsyncAPI document", err)
	}
	c.Set(fiber.HeaderContentType, typeJSON)
	return c.Send(raw)
}
