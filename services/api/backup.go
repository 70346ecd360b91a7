package api

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/archive"
)

// backup serves GET /api/v1/backup.
func (s *server) backup(c *fiber.Ctx) error {
	problems := unknownParameters(c, "results")
	results := c.Query("results", "true")
	if results != "true" && results != "false" {
		problems.Add("results", "%.80q is neither true nor false", results)
	}
	if len(problems) > 0 {
		return invalid(problems)
	}
	if s.opt.Backup == nil {
		return problem(http.StatusNotImplemented, "backup", "the logs of this server are kept in memory, and cannot be backed up")
	}
	if why := s.readOnly(); why != "" {
		return problem(http.StatusServiceUnavailable, "damaged", "%s: a backup of it would be too", why)
	}
	release, ok := s.backups.take()
	if !ok {
		return problem(http.StatusTooManyRequests, "busy", "a backup is being taken already: try again").after(5 * time.Second)
	}
	c.Set(fiber.HeaderContentType, typeTar)
	c.Set(fiber.HeaderContentDisposition, `attachment; filename="vedette-backup.tar"`)
	c.Set(fiber.HeaderCacheControl, "no-store")
	// The deadlines of writing are this connection's to the end.
	c.Context().SetConnectionClose()
	if c.Context().IsHead() {
		release()
		return nil
	}
	conn, opt := c.Context().Conn(), archive.Options{WithoutResults: results == "false", Version: s.opt.Version, Now: s.now}
	c.Context().SetBodyStreamWriter(func(w *bufio.Writer) {
		defer release()
		s.takeBackup(conn, w, opt)
	})
	return nil
}

const typeTar = "application/x-tar"

// takeBackup writes a backup to a client. Fiber's context is not used here: it belongs to another
// request by now.
func (s *server) takeBackup(conn net.Conn, w *bufio.Writer, opt archive.Options) {
	defer func() {
		if value := recover(); value != nil { // it would take the process with it
			s.log.Error("a backup panicked", "panic", value, "stack", string(debug.Stack()))
		}
	}()
	ctx, cancel := context.WithCancel(s.work)
	defer cancel()
	defer context.AfterFunc(s.stopping, func() {
		cancel()
		_ = conn.SetWriteDeadline(time.Now().Add(time.Second)) // a client that takes nothing must not hold up the end
	})()
	started := time.Now()
	manifest, err := archive.Write(ctx, s.opt.Backup, &steadily{conn, w}, opt)
	if err != nil {
		s.log.Warn("a backup was not taken to its end", "error", err)
		return
	}
	s.log.Info("a backup was taken", "events", manifest.Logs[0].Messages, "head", manifest.Head.String(), "took", time.Since(started).Round(time.Millisecond))
}

// steadily writes to a client for as long as it goes on taking something.
type steadily struct {
	conn net.Conn
	w    *bufio.Writer
}

// Write implements io.Writer.
func (s *steadily) Write(p []byte) (int, error) {
	if err := s.conn.SetWriteDeadline(time.Now().Add(stallTimeout)); err != nil {
		return 0, err
	}
	n, err := s.w.Write(p)
	if err == nil {
		err = s.w.Flush()
	}
	return n, err
}

// backupRoute describes the backup, which huma cannot serve on Fiber.
func (d *document) backupRoute() {
	d.api.OpenAPI().AddOperation(&huma.Operation{
		OperationID: "backup", Method: http.MethodGet, Path: base + "/backup", Tags: []string{tagSystem},
		Summary: "Take a backup",
		Description: "A tar archive of both logs, taken while they are in use: `backup.json`, the logs in parts, and `manifest.json` with counts, " +
			"checksums and the head of the chain at the end. One without a manifest is incomplete; `error.json` then says why. " +
			"`vedette restore` puts it back into an empty server. What is sent must be taken within seconds.",
		Parameters: []*huma.Param{queryParam("results", "Whether the results are in it.", &huma.Schema{Type: "boolean", Default: true}, true)},
		Responses: d.responsesOf("The archive.", map[string]*huma.MediaType{typeTar: {
			Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}, Example: "backup.json …",
		}}, http.StatusUnprocessableEntity, http.StatusTooManyRequests, http.StatusNotImplemented),
	})
}
