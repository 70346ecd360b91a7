package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Health serves /healthz, /readyz and /metrics for the parts that have no other server.
type Health struct {
	// Address to listen on, host:port. One that names no host, ":8081", is on loopback.
	Address string
	// Ready returns why the part cannot do its work, or nil. It is given readyTimeout.
	Ready    func(ctx context.Context) error
	Gatherer prometheus.Gatherer
	// Listening, if not nil, is told the address when it is listened on.
	Listening func(net.Addr)
	Log       *slog.Logger
}

const (
	readyTimeout = 5 * time.Second
	headTimeout  = 5 * time.Second
	closeTimeout = 2 * time.Second
)

// Run serves until ctx ends. An error says that the address cannot be listened on.
func (h Health) Run(ctx context.Context) error {
	host, port, err := net.SplitHostPort(h.Address)
	if err != nil {
		return fmt.Errorf("health address %q: use host:port, such as 127.0.0.1:8081", h.Address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(host, port))
	if err != nil {
		return fmt.Errorf("health address %s cannot be listened on: %w: choose another one", h.Address, err)
	}
	server := &http.Server{
		Handler: h.handler(), ReadHeaderTimeout: headTimeout, ReadTimeout: headTimeout, IdleTimeout: time.Minute,
		ErrorLog: slog.NewLogLogger(h.Log.Handler(), slog.LevelDebug),
	}
	h.Log.Info("health is served", "address", listener.Addr().String())
	if h.Listening != nil {
		h.Listening(listener.Addr())
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve health: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	err = server.Shutdown(closing)
	if err != nil {
		err = server.Close() // whoever asks for longer is cut off
	}
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	if err != nil {
		return fmt.Errorf("serve health: %w", err)
	}
	return nil
}

func (h Health) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := h.Ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.Gatherer, promhttp.HandlerOpts{}))
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // whoever asked may be gone
}
