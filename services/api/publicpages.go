package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/gofiber/fiber/v2"

	"github.com/vedette/vedette/pkg/monitor"
	"github.com/vedette/vedette/pkg/statuspage"
)

// publicPath is where anybody may look: what a status page names, and nothing else.
const publicPath = "/status"

// isPublic reports whether a path is there for anybody.
func isPublic(path string) bool {
	return path == publicPath || strings.HasPrefix(path, publicPath+"/")
}

const (
	typeHTML = "text/html; charset=utf-8"
	typeSVG  = "image/svg+xml"
	// publicCaching lets proxies and browsers keep answers for as long as they are kept here, and show
	// the last one when this server is away.
	publicCaching = "public, max-age=15, stale-while-revalidate=60, stale-if-error=86400"
)

// publicPages serves the status pages.
type publicPages struct {
	server    *server
	desk      *pageDesk
	templates *statuspage.Templates
	style     []byte
	styleTag  string
}

func (s *server) publicRoutes(app *fiber.App) error {
	style, err := statuspage.Style()
	if err != nil {
		return fmt.Errorf("status page: %w", err)
	}
	p := &publicPages{server: s, desk: newPageDesk(s), style: style, styleTag: digestOf(style)}
	if p.templates, err = statuspage.NewTemplates(publicPath + "/style.css?v=" + p.styleTag); err != nil {
		return err
	}
	app.Get(publicPath, p.index)
	app.Get(publicPath+"/style.css", p.sheet)
	app.Get(publicPath+"/:page", p.page)
	app.Get(publicPath+"/:page/feed.atom", p.feed("application/atom+xml; charset=utf-8", statuspage.Page.Atom))
	app.Get(publicPath+"/:page/feed.rss", p.feed("application/rss+xml; charset=utf-8", statuspage.Page.RSS))
	app.Get(publicPath+"/:page/badge/:file", p.pageBadge)
	app.Get(publicPath+"/:page/badge/:service/:file", p.serviceBadge)
	return nil
}

func digestOf(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:8])
}

// send answers with content that may be kept, or says that the client has it already.
func (p *publicPages) send(c *fiber.Ctx, kind string, content []byte) error {
	tag := `"` + digestOf(content) + `"`
	c.Set(fiber.HeaderCacheControl, publicCaching)
	c.Set(fiber.HeaderETag, tag)
	if c.Get(fiber.HeaderIfNoneMatch) == tag {
		return c.SendStatus(http.StatusNotModified)
	}
	c.Set(fiber.HeaderContentType, kind)
	return c.Send(content)
}

func (p *publicPages) sheet(c *fiber.Ctx) error {
	c.Set(fiber.HeaderContentType, "text/css; charset=utf-8")
	if c.Query("v") == p.styleTag {
		c.Set(fiber.HeaderCacheControl, "public, max-age=31536000, immutable")
	}
	return c.Send(p.style)
}

// index lists the pages, or leads to the only one.
func (p *publicPages) index(c *fiber.Ctx) error {
	if !p.server.isReady() {
		return p.starting(c)
	}
	pages, err := p.server.reads.StatusPages(p.server.work)
	if err != nil {
		return err
	}
	if len(pages) == 1 {
		return c.Redirect(publicPath+"/"+pages[0].ID, http.StatusFound)
	}
	shown := make([]statuspage.Page, len(pages))
	for i, view := range pages {
		shown[i] = statuspage.Page{ID: view.ID, Title: view.Title}
	}
	content, err := p.templates.Index(shown)
	if err != nil {
		return err
	}
	return p.send(c, typeHTML, content)
}

func (p *publicPages) page(c *fiber.Ctx) error {
	if !p.server.isReady() {
		return p.starting(c)
	}
	page, err := p.model(c)
	if err != nil {
		return err
	}
	content, err := p.templates.HTML(page)
	if err != nil {
		return err
	}
	return p.send(c, typeHTML, content)
}

// starting is shown until the read models have been read.
func (p *publicPages) starting(c *fiber.Ctx) error {
	content, err := p.templates.Starting()
	if err != nil {
		return err
	}
	c.Status(http.StatusServiceUnavailable).Set(fiber.HeaderRetryAfter, "5")
	c.Set(fiber.HeaderContentType, typeHTML)
	return c.Send(content)
}

// model returns what the page of the route shows.
func (p *publicPages) model(c *fiber.Ctx) (statuspage.Page, error) {
	page, err := p.desk.page(c.Params("page"))
	if errors.Is(err, monitor.ErrNotFound) {
		return page, problem(http.StatusNotFound, "not-found", "there is no status page %.80q", c.Params("page"))
	}
	return page, err
}

func (p *publicPages) feed(kind string, write func(statuspage.Page, string) (string, error)) fiber.Handler {
	return func(c *fiber.Ctx) error {
		if !p.server.isReady() {
			return errStarting()
		}
		page, err := p.model(c)
		if err != nil {
			return err
		}
		content, err := write(page, c.BaseURL())
		if err != nil {
			return err
		}
		return p.send(c, kind, []byte(content))
	}
}

// pageBadge serves the status of all, as a badge or as the icon of the page.
func (p *publicPages) pageBadge(c *fiber.Ctx) error {
	if !p.server.isReady() {
		return errStarting()
	}
	page, err := p.model(c)
	if err != nil {
		return err
	}
	switch c.Params("file") {
	case "icon.svg":
		return p.picture(c, statuspage.Icon(page.Status()))
	case "status.svg":
		label, err := labelOf(c, page.Title)
		if err != nil {
			return err
		}
		return p.picture(c, statuspage.Badge{Label: label, Value: string(page.Status()), Status: page.Status()}.SVG())
	}
	return noSuchBadge(c.Params("file"), "status.svg, icon.svg, or SERVICE/ and status.svg, uptime.svg or latency.svg")
}

func (p *publicPages) serviceBadge(c *fiber.Ctx) error {
	if !p.server.isReady() {
		return errStarting()
	}
	page, err := p.model(c)
	if err != nil {
		return err
	}
	for _, service := range page.Services {
		if service.ID != c.Params("service") {
			continue
		}
		badge, err := badgeOf(service, c)
		if err != nil {
			return err
		}
		return p.picture(c, badge.SVG())
	}
	return problem(http.StatusNotFound, "not-found", "service %.80q is not on this page", c.Params("service"))
}

func badgeOf(s statuspage.Service, c *fiber.Ctx) (b statuspage.Badge, err error) {
	b.Status = s.Status
	switch file := c.Params("file"); file {
	case "status.svg":
		b.Value = string(s.Status)
		b.Label, err = labelOf(c, s.Name)
	case "uptime.svg":
		days := map[string]int{"": statuspage.BarDays, "90d": 90, "30d": 30, "7d": 7}[c.Query("window")]
		if days == 0 {
			return b, invalidField("window", "%.80q is none: use 7d, 30d or 90d", c.Query("window"))
		}
		b.Value, b.Status = s.Last(days)
		b.Label, err = labelOf(c, fmt.Sprintf("uptime %dd", days))
	case "latency.svg":
		b.Value = "no data"
		if s.Latency > 0 {
			b.Value = fmt.Sprintf("%.0f ms", s.Latency)
		}
		b.Label, err = labelOf(c, "latency")
	default:
		return b, noSuchBadge(file, "status.svg, uptime.svg or latency.svg")
	}
	return b, err
}

func noSuchBadge(file, known string) error {
	return problem(http.StatusNotFound, "not-found", "there is no badge %.80q: use %s", file, known)
}

// labelOf is the text on the left, which may be chosen.
func labelOf(c *fiber.Ctx, label string) (string, error) {
	if given := c.Query("label"); given != "" {
		if utf8.RuneCountInString(given) > statuspage.MaxBadgeText || !utf8.ValidString(given) {
			return "", invalidField("label", "use at most %d characters", statuspage.MaxBadgeText)
		}
		return given, nil
	}
	if runes := bytes.Runes([]byte(label)); len(runes) > statuspage.MaxBadgeText {
		return string(runes[:statuspage.MaxBadgeText-1]) + "…", nil
	}
	return label, nil
}

// picture may stand on any page.
func (p *publicPages) picture(c *fiber.Ctx, content []byte) error {
	c.Set("Cross-Origin-Resource-Policy", "cross-origin")
	return p.send(c, typeSVG, content)
}
