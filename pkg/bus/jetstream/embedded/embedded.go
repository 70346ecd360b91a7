// Package embedded runs a NATS server with JetStream inside the process.
package embedded

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// startTimeout is how long the server may take to read its store.
const startTimeout = 2 * time.Minute

// Server is a running server. Stop it.
type Server struct {
	server  *server.Server
	lock    *os.File
	secrets secrets
}

// Start starts a server on a data folder. Errors say what to change: a folder that cannot be
// written or is in use (ErrInUse), an address that is taken.
func Start(cfg Config) (*Server, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	lock, err := lockFolder(cfg.Dir)
	if err != nil {
		return nil, err
	}
	s := &Server{lock: lock, secrets: cfg.secrets()}
	options, err := cfg.options(s.secrets)
	if err == nil {
		err = s.start(options, cfg)
	}
	if err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

func (c Config) options(s secrets) (*server.Options, error) {
	options := &server.Options{
		ServerName: "vedette", NoSigs: true, JetStream: true, StoreDir: filepath.Join(c.Dir, "nats"),
		SyncAlways: !c.Relaxed, SyncInterval: time.Second, DontListen: c.Listen == "",
		// Streams reserve their limits. By default the server grants three quarters of the free
		// disk, and so would not start Vedette at all on one smaller than its limits together.
		JetStreamMaxStore: 1 << 40,
	}
	if err := options.ProcessConfigString(c.accounts(s)); err != nil {
		return nil, fmt.Errorf("configure the embedded NATS server: %w", err)
	}
	if c.Listen != "" {
		host, port, err := c.port()
		if err != nil {
			return nil, fmt.Errorf("nats-listen: %w", err)
		}
		if err := free(c.Listen); err != nil {
			return nil, err
		}
		options.Host, options.Port = host, port
	}
	return options, nil
}

// free finds out early, and in words, what the server would only log.
func free(address string) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("nats-listen: %s cannot be listened on: %w: choose another address, or stop what uses it", address, err)
	}
	return l.Close()
}

func (s *Server) start(options *server.Options, cfg Config) error {
	natsServer, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("start the embedded NATS server: %w", err)
	}
	natsServer.SetLoggerV2(&logger{cfg.Log}, false, false, false)
	s.server = natsServer
	go natsServer.Start()
	if !natsServer.ReadyForConnections(startTimeout) {
		natsServer.Shutdown()
		natsServer.WaitForShutdown()
		return fmt.Errorf("the embedded NATS server did not start within %s: see the log", startTimeout)
	}
	if !natsServer.JetStreamEnabled() {
		natsServer.Shutdown()
		natsServer.WaitForShutdown()
		return fmt.Errorf("JetStream did not start on %s: see the log", options.StoreDir)
	}
	return nil
}

// lockFolder makes the folder, proves that it can be written, and keeps others out.
func lockFolder(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder %s: %w: choose another one with --data", dir, err)
	}
	file, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data folder %s cannot be written: %w: choose another one with --data", dir, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("%w: %s: stop that one, or choose another folder with --data", ErrInUse, dir), file.Close())
	}
	return file, nil
}

// InProcessConn implements nats.InProcessConnProvider.
func (s *Server) InProcessConn() (net.Conn, error) { return s.server.InProcessConn() }

// User returns the name and password of Vedette's own account.
func (s *Server) User() (name, password string) { return appUser, s.secrets.app }

// Runner returns the name and password of a location's account.
func (s *Server) Runner(location string) (name, password string) {
	return RunnerUser(location), s.secrets.runner
}

// ClientURL is where other processes connect; empty when the server does not listen.
func (s *Server) ClientURL() string {
	if s.server.Addr() == nil {
		return ""
	}
	return s.server.ClientURL()
}

// Stop ends the server after what is in its store is written.
func (s *Server) Stop() error {
	s.server.Shutdown()
	s.server.WaitForShutdown()
	return s.lock.Close()
}

// logger passes the server's log on.
type logger struct{ log *slog.Logger }

func (l *logger) Noticef(format string, args ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Warnf(format string, args ...any) {
	if strings.HasPrefix(format, "Plaintext passwords") {
		return // of a file of settings, which there is none of: they are in memory only
	}
	l.log.Warn("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Errorf(format string, args ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Fatalf(format string, args ...any) {
	l.log.Error("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Debugf(format string, args ...any) {
	l.log.Debug("nats: " + fmt.Sprintf(format, args...))
}
func (l *logger) Tracef(string, ...any) {}
