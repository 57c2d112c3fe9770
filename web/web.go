// Package web is the page a person sees: a chat box and both chains side by side, embedded in the binary, without a build
// step and without anything from elsewhere. It may import inference/api for what it shows to readers without scripts;
// everything else the page fetches itself from /v1 and /api. Colours and contrast follow WCAG 2.2, level AA.
package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"time"

	"funai/inference/api"
)

//go:embed static page.html
var files embed.FS

// policy lets the page load its own files and talk to its own server, and nothing else: no inline script or style, no
// frames around it, and no strings made into markup (Content Security Policy Level 3, Trusted Types).
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

const (
	summaryTimeout = 2 * time.Second
	summaryRows    = 10
)

// Handler serves the page at / and its parts under /static/. src fills the summary that is readable without scripts; nil
// leaves links to the JSON.
func Handler(src api.Source, logger *slog.Logger) http.Handler {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	p := &page{src: src, log: logger, tmpl: template.Must(template.New("page.html").Funcs(template.FuncMap{
		"short": short, "percent": func(f float64) int { return int(f*100 + 0.5) },
	}).ParseFS(files, "page.html"))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", p.serve)
	mux.Handle("GET /static/", static())
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
		mux.ServeHTTP(w, r)
	})
}

// static serves the embedded files, each with its hash for an ETag, to be asked for again every time: a new binary must
// never meet an old script.
func static() http.Handler {
	type file struct {
		kind, etag string
		data       []byte
	}
	all := map[string]file{}
	err := fs.WalkDir(files, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		sum := sha256.Sum256(data)
		all["/"+name] = file{kindOf(name), `"` + hex.EncodeToString(sum[:8]) + `"`, data}
		return err
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, ok := all[r.URL.Path]
		if !ok || err != nil {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", f.kind)
		h.Set("Cache-Control", "no-cache")
		h.Set("ETag", f.etag)
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.data))
	})
}

// kindOf does not ask the system's table, which may say text/plain for a script, and browsers then refuse it.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	return mime.TypeByExtension(path.Ext(name))
}

type page struct {
	src  api.Source
	log  *slog.Logger
	tmpl *template.Template
}

// summary is what a reader without scripts sees.
type summary struct {
	Status    *api.Status
	Elections []api.Election
	Receipts  []api.Receipt
}

// Name is what the node calls an address, or its beginning and end.
func (s summary) Name(address string) string {
	if s.Status != nil {
		if name := s.Status.Names[address]; name != "" {
			return name
		}
	}
	return short(address)
}

// Winner is who an election elected.
func (s summary) Winner(e api.Election) string {
	if e.Winner < 0 || e.Winner >= len(e.Candidates) {
		return "nobody"
	}
	return s.Name(e.Candidates[e.Winner].Address)
}

func (p *page) serve(w http.ResponseWriter, r *http.Request) {
	var body bytes.Buffer
	if err := p.tmpl.Execute(&body, p.summary(r.Context())); err != nil {
		p.log.Error("page failed", "err", err)
		http.Error(w, "the page could not be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(body.Bytes())
}

// summary reads what it can in a short time; what fails is left out.
func (p *page) summary(ctx context.Context) (s summary) {
	if p.src == nil {
		return s
	}
	ctx, cancel := context.WithTimeout(ctx, summaryTimeout)
	defer cancel()
	if st, err := p.src.Status(ctx); err == nil {
		s.Status = &st
	} else {
		p.log.Debug("no status for the page", "err", err)
	}
	var err error
	if s.Elections, err = p.src.Elections(ctx, api.Page{Limit: summaryRows}); err != nil {
		p.log.Debug("no elections for the page", "err", err)
	}
	if s.Receipts, err = p.src.Receipts(ctx, summaryRows, ""); err != nil {
		p.log.Debug("no receipts for the page", "err", err)
	}
	return s
}

func short(s string) string {
	if len(s) <= 14 {
		return s
	}
	return s[:6] + "…" + s[len(s)-6:]
}
