package api

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
	"sync"

	"github.com/gofiber/fiber/v2"
)

// hashed matches the names that a build gives to files by their content: name-Bx3_k9aQ.js.
const hashed = `^assets/.*-[A-Za-z0-9_-]{8,}\.[a-z0-9]+$`

// asset is a file of the web interface, in memory.
type asset struct {
	body      []byte
	mediaType string
	immutable bool
	// packed is the body as gzip, made once when it is first asked for; nil when that saves nothing.
	packed func() []byte
}

func newAsset(body []byte, mediaType string, immutable bool) asset {
	return asset{body: body, mediaType: mediaType, immutable: immutable, packed: sync.OnceValue(func() []byte { return pack(body) })}
}

// assets returns a middleware that serves the web interface: its files by name, and its page for
// every other address that a browser asks for, since the page has routes of its own.
func (s *server) assets() (fiber.Handler, error) {
	files, err := loadAssets(s.opt.Assets)
	if err != nil {
		return nil, err
	}
	page, hasPage := files["index.html"]
	return func(c *fiber.Ctx) error {
		if c.Method() != fiber.MethodGet || len(files) == 0 || isPrivate(c.Path()) {
			return c.Next()
		}
		name := strings.TrimPrefix(path.Clean(c.Path()), "/")
		if name == "" {
			name = "index.html"
		}
		if file, ok := files[name]; ok {
			return file.send(c)
		}
		err := c.Next()
		var missing *fiber.Error
		if !errors.As(err, &missing) || missing.Code != http.StatusNotFound || !hasPage || !wantsPage(c) {
			return err
		}
		return page.send(c)
	}, nil
}

func loadAssets(from fs.FS) (map[string]asset, error) {
	if from == nil {
		return nil, nil
	}
	immutable, err := regexp.Compile(hashed)
	if err != nil {
		return nil, fmt.Errorf("names of assets: %w", err)
	}
	files := make(map[string]asset)
	err = fs.WalkDir(from, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		body, err := fs.ReadFile(from, name)
		files[name] = newAsset(body, mediaTypeOf(name), immutable.MatchString(name))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the web interface: %w", err)
	}
	return files, nil
}

// mediaTypeOf does not ask the system, whose tables differ.
func mediaTypeOf(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".json", ".map":
		return typeJSON
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if known := mime.TypeByExtension(path.Ext(name)); known != "" {
		return known
	}
	return "application/octet-stream"
}

// pack returns a body as gzip, or nil when that is not much smaller, as of fonts and pictures.
func pack(body []byte) []byte {
	var packed bytes.Buffer
	writer, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err != nil {
		return nil
	}
	if _, err := writer.Write(body); err != nil {
		return nil
	}
	if err := writer.Close(); err != nil || packed.Len() > len(body)/10*9 {
		return nil
	}
	return packed.Bytes()
}

func (a asset) send(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, a.mediaType)
	c.Vary(fiber.HeaderAcceptEncoding)
	if a.immutable {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	} else {
		c.Set(fiber.HeaderCacheControl, "no-cache")
	}
	if c.AcceptsEncodings("gzip") == "gzip" {
		if packed := a.packed(); packed != nil {
			c.Set(fiber.HeaderContentEncoding, "gzip")
			return c.Status(http.StatusOK).Send(packed)
		}
	}
	return c.Status(http.StatusOK).Send(a.body)
}

// wantsPage reports whether a browser asks, not a program or a page for a file that is missing.
func wantsPage(c *fiber.Ctx) bool {
	return strings.Contains(c.Get(fiber.HeaderAccept), "text/html") && path.Ext(c.Path()) == ""
}
