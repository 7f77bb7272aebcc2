package web

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed page
var files embed.FS

// page is all that a browser needs; nothing comes from elsewhere.
func page() http.Handler {
	root, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	return http.FileServerFS(root)
}
