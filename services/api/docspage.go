package api

import (
	"embed"

	"github.com/gofiber/fiber/v2"
)

//go:embed docspage
var docsPage embed.FS

// docsRoutes serve the page that shows the OpenAPI document. It is all here: nothing is loaded from
// elsewhere.
func docsRoutes(app *fiber.App) error {
	for route, file := range map[string]string{
		"/docs": "docspage/index.html", "/docs/docs.js": "docspage/docs.js", "/docs/docs.css": "docspage/docs.css",
	} {
		body, err := docsPage.ReadFile(file)
		if err != nil {
			return err
		}
		page := newAsset(body, mediaTypeOf(file), false)
		app.Get(route, func(c *fiber.Ctx) error { return page.send(c) })
	}
	return nil
}
