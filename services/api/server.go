package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/executor"
	"github.com/vedette/vedette/pkg/readmodel"
)

// base is where the routes of the API begin.
const base = "/api/v1"

const (
	// readTimeout bounds the reading of a request, idleTimeout how long a connection is kept.
	readTimeout = 10 * time.Second
	idleTimeout = 75 * time.Second
	// maxHeader is the most bytes of a request's header.
	maxHeader = 16 << 10
	// maxConnections bounds the connections, event streams among them.
	maxConnections = 16 << 10
)

// server answers requests.
type server struct {
	opt     Options
	bus     Bus
	reads   readmodel.Reads
	past    pastReader
	board   boardReader
	ready   <-chan struct{}
	metrics *metrics
	log     *slog.Logger
	now     func() time.Time
	started time.Time

	events, results *tail
	viewers         *boardFeed
	writes, runs    slots
	streams         slots
	replays, beats  slots
	horizon         *horizon
	verifications   slots
	// engine judges heartbeats, begins knows when the work that they tell of began.
	engine  *executor.Engine
	begins  *begins
	dues    dues
	backups slots
	// work is the life of requests; stopping ends event streams at once.
	work     context.Context //nolint:containedctx // fasthttp gives requests none
	stopping context.Context //nolint:containedctx // as above
	openAPI  []byte
}

// app builds the routes in the order in which they are tried.
func (s *server) app() (*fiber.App, error) {
	app := fiber.New(fiber.Config{
		AppName: "vedette", DisableStartupMessage: true, Immutable: true, StrictRouting: true, CaseSensitive: true,
		BodyLimit: MaxBody, ReadBufferSize: maxHeader, ReadTimeout: readTimeout, IdleTimeout: idleTimeout,
		Concurrency: maxConnections, ErrorHandler: s.fail,
	})
	app.Use(headIsGet, s.observe, secure, newGuard(s.opt.AdminToken).check)
	assets, err := s.assets()
	if err != nil {
		return nil, err
	}
	if err := s.publicRoutes(app); err != nil {
		return nil, err
	}
	app.Use(assets)
	if err := s.rootRoutes(app); err != nil {
		return nil, err
	}
	app.Get(base+"/events/stream", s.whenReady, s.stream)
	app.Get(base+"/board/stream", s.whenReady, s.boardStream)
	for _, path := range []string{heartbeatPath + ":token", heartbeatPath + ":token/:signal"} {
		app.Get(path, s.whenReady, s.heartbeat)
		app.Post(path, s.whenReady, s.heartbeat)
	}
	app.Post(base+"/replays", s.whenReady, checkContentType, s.replayStream)
	app.Get(base+"/backup", s.whenReady, s.backup)
	app.Post(base+"/verify", s.whenReady, checkContentType, s.verifyStream)
	app.Get(base+"/projections/:name", s.whenReady, s.projectionStream)
	app.Use(base, s.whenReady, checkContentType)
	s.openAPI, err = s.routes(app)
	return app, err
}

// fail is Fiber's error handler: it comes with what the server refuses before any route.
func (s *server) fail(c *fiber.Ctx, err error) error {
	p := problemOf(err)
	if p.Status == http.StatusRequestEntityTooLarge {
		if refused, ok := c.Context().Conn().(*conn); ok {
			refused.lingers.Store(true)
		}
	}
	if p.Status >= http.StatusInternalServerError && p.Type == problemTypes+"internal" {
		s.log.Error("a request failed", "method", c.Method(), "path", c.Path(), "error", err)
	}
	return p.answer(c)
}

// observe answers errors and panics, and counts and logs every request.
func (s *server) observe(c *fiber.Ctx) error {
	started := time.Now()
	s.metrics.inFlight.Inc()
	defer s.metrics.inFlight.Dec()
	c.SetUserContext(s.work)
	if err := s.guarded(c); err != nil {
		if err := s.fail(c, err); err != nil {
			return err
		}
	}
	route, status := routeOf(c), c.Response().StatusCode()
	s.metrics.requests.WithLabelValues(route, methodOf(c), strconv.Itoa(status)).Inc()
	took := time.Since(started)
	if !strings.HasSuffix(route, "/stream") {
		s.metrics.duration.WithLabelValues(route).Observe(took.Seconds())
	}
	path := c.Path()
	if isHeartbeat(path) {
		path = heartbeatPath + "…" // a token belongs in no log
	}
	s.log.Debug("request", "method", c.Method(), "path", path, "route", route, "status", status,
		"duration", took, "remote", c.IP())
	return nil
}

func (s *server) guarded(c *fiber.Ctx) (err error) {
	defer func() {
		if value := recover(); value != nil {
			s.log.Error("a request panicked", "method", c.Method(), "path", c.Path(), "panic", value, "stack", string(debug.Stack()))
			err = problem(http.StatusInternalServerError, "panic", "something went wrong here; the server's log says what")
		}
	}()
	if _, err := url.ParseRequestURI(string(c.Request().RequestURI())); err != nil {
		return problem(http.StatusBadRequest, "uri", "the address of the request cannot be read: %v", err)
	}
	return c.Next()
}

// routeOf is the template of the route, so that metrics do not grow with what is asked for.
func routeOf(c *fiber.Ctx) string {
	path := c.Route().Path
	if path == "/" || path == base { // a middleware came last
		if c.Response().StatusCode() < http.StatusBadRequest {
			return "assets"
		}
		return "none"
	}
	parts := strings.Split(path, "/")
	for i, part := range parts {
		if strings.HasPrefix(part, ":") {
			parts[i] = "{" + part[1:] + "}"
		}
	}
	return strings.Join(parts, "/")
}

// methodOf is the method, if it is one of the few that may come.
func methodOf(c *fiber.Ctx) string {
	switch m := c.Method(); m {
	case fiber.MethodGet, fiber.MethodHead, fiber.MethodPost, fiber.MethodPut, fiber.MethodPatch, fiber.MethodDelete, fiber.MethodOptions:
		return m
	}
	return "other"
}

// headIsGet has HEAD answered as GET; the server leaves out the body.
func headIsGet(c *fiber.Ctx) error {
	if c.Method() != fiber.MethodHead || c.Path() == base+"/events/stream" || c.Path() == base+"/board/stream" {
		return c.Next()
	}
	c.Method(fiber.MethodGet)
	return c.RestartRouting()
}

// whenReady turns requests away until the read models have been read.
func (s *server) whenReady(c *fiber.Ctx) error {
	if !s.isReady() {
		return errStarting()
	}
	return c.Next()
}

func (s *server) isReady() bool {
	select {
	case <-s.ready:
		return true
	default:
		return false
	}
}

func errStarting() *Problem {
	return problem(http.StatusServiceUnavailable, "starting", "the read models are still being read: try again in a moment").after(time.Second)
}

// internal hides an error from the client, who can do nothing about it, and keeps it for the log.
func (s *server) internal(doing string, err error) error {
	if ended := s.work.Err(); ended != nil {
		return ended
	}
	if p := problemOf(err); p.Type != problemTypes+"internal" {
		return p
	}
	s.log.Error("a request failed", "doing", doing, "error", err)
	return problem(http.StatusInternalServerError, "internal", "%s failed; the server's log says why", doing)
}
