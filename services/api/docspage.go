package api

import (
	"embed"

	"github.com/gofiber/fiber/v2"
)

//go:embed docspage
var docsPage embed.FS

// docsRoutes serve the page that shows the OpenAPI document. It is all here: nothing is loaded from
// elsewhere.
func docsRoutes(app *fiber.App) {
	for route, file := range map[string]string{
		"/docs": "docspage/index.html", "/docs/docs.js": "docspage/docs.js", "/docs/docs.css": "docspage/docs.css",
	} {
		app.Get(route, func(c *fiber.Ctx) error {
			body, err := docsPage.ReadFile(file)
			if err != nil {
				return err
			}
			return asset{body: body, mediaType: mediaTypeOf(file)}.send(c)
		})
	}
}
