package api

import (
	"crypto/sha256"
	"crypto/subtle"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/gofiber/fiber/v2"
)

// guard turns away requests that a stranger made, or made a browser make.
type guard struct {
	// token is the digest of the admin token; without one the api is on loopback, and trusts names
	// instead.
	token    [sha256.Size]byte
	hasToken bool
}

func newGuard(token string) guard {
	return guard{token: sha256.Sum256([]byte(token)), hasToken: token != ""}
}

// check is a middleware.
func (g guard) check(c *fiber.Ctx) error {
	if isHeartbeat(c.Path()) || isPublic(c.Path()) && isSafe(c.Method()) { // shows a token of its own, or is for anybody
		return c.Next()
	}
	if g.hasToken {
		if isPrivate(c.Path()) && !g.knows(c.Get(fiber.HeaderAuthorization)) {
			return problem(http.StatusUnauthorized, "token", "this needs the admin token: send the header Authorization: Bearer TOKEN").
				with(fiber.HeaderWWWAuthenticate, `Bearer realm="vedette"`)
		}
		return c.Next()
	}
	// A page elsewhere can have its name point here (DNS rebinding), or send a form here (CSRF).
	if !isLoopback(hostOf(c.Get(fiber.HeaderHost))) {
		return problem(http.StatusForbidden, "host", "the header Host names %.100q, which is not this machine: use http://%s, or set an admin token", c.Get(fiber.HeaderHost), DefaultAddress)
	}
	if isSafe(c.Method()) {
		return c.Next()
	}
	if origin := c.Get(fiber.HeaderOrigin); origin != "" && !isLocalOrigin(origin) {
		return problem(http.StatusForbidden, "origin", "a page of %.100q may not change anything here", origin)
	}
	if site := c.Get("Sec-Fetch-Site"); site == "cross-site" {
		return problem(http.StatusForbidden, "origin", "a page of another site may not change anything here")
	}
	return c.Next()
}

// isPrivate reports whether a path needs the token.
func isPrivate(path string) bool {
	return path == "/metrics" || path == base || strings.HasPrefix(path, base+"/")
}

func isHeartbeat(path string) bool { return strings.HasPrefix(path, heartbeatPath) }

// knows compares in a time that tells nothing about the token.
func (g guard) knows(header string) bool {
	scheme, token, _ := strings.Cut(header, " ")
	given := sha256.Sum256([]byte(strings.TrimSpace(token)))
	same := subtle.ConstantTimeCompare(given[:], g.token[:]) == 1
	return same && strings.EqualFold(scheme, "Bearer")
}

func isSafe(method string) bool {
	return method == fiber.MethodGet || method == fiber.MethodHead || method == fiber.MethodOptions
}

// hostOf returns a Host header without its port.
func hostOf(header string) string {
	if host, _, err := net.SplitHostPort(header); err == nil {
		return host
	}
	return header
}

func isLocalOrigin(origin string) bool {
	u, err := url.Parse(origin)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && isLoopback(u.Hostname())
}

// contentSecurity lets pages use what this server serves, and nothing else.
const contentSecurity = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// secure is a middleware that sets the headers by which browsers protect the user.
func secure(c *fiber.Ctx) error {
	c.Set("X-Content-Type-Options", "nosniff")
	c.Set("Referrer-Policy", "no-referrer")
	c.Set("X-Frame-Options", "DENY")
	c.Set("Content-Security-Policy", contentSecurity)
	c.Set("Cross-Origin-Resource-Policy", "same-origin")
	if isPrivate(c.Path()) {
		c.Set(fiber.HeaderCacheControl, "no-store")
	}
	return c.Next()
}

const (
	typeJSON  = "application/json"
	typePatch = "application/merge-patch+json"
)

// checkContentType is a middleware: a body must say that it is JSON.
func checkContentType(c *fiber.Ctx) error {
	if len(c.Body()) == 0 || isSafe(c.Method()) {
		return c.Next()
	}
	given, params, err := mime.ParseMediaType(c.Get(fiber.HeaderContentType))
	charset := strings.ToLower(params["charset"])
	switch {
	case err == nil && (charset == "" || charset == "utf-8") && (given == typeJSON || given == typePatch && c.Method() == fiber.MethodPatch):
		return c.Next()
	case c.Method() == fiber.MethodPatch:
		return problem(http.StatusUnsupportedMediaType, "content-type", "the body must be %s or %s in UTF-8: set the header Content-Type", typePatch, typeJSON).
			with("Accept-Patch", typePatch+", "+typeJSON)
	}
	return problem(http.StatusUnsupportedMediaType, "content-type", "the body must be %s in UTF-8: set the header Content-Type", typeJSON)
}

// slots bound what is done at once.
type slots chan struct{}

// take returns how to give the slot back, or false when there is none.
func (s slots) take() (release func(), ok bool) {
	select {
	case s <- struct{}{}:
		return func() { <-s }, true
	default:
		return nil, false
	}
}
