package web

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"funai/inference/api"
	"funai/web/internal/demo"
)

func get(t *testing.T, h http.Handler, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("GET", path, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestPageIsReadableWithoutScriptsAndEscaped(t *testing.T) {
	n := demo.New(1, time.Second, time.Now(), func(api.Event) {})
	w := get(t, Handler(n, nil), "/")
	body := w.Body.String()
	if w.Code != 200 || !strings.Contains(body, "Verification seats") || !strings.Contains(body, "seat-1 (900 FAI staked)") {
		t.Errorf("%d, summary is missing", w.Code)
	}
	if strings.Contains(body, "<script>alert") || !strings.Contains(body, "&lt;script&gt;alert(1)") {
		t.Error("a hostile name is not escaped")
	}
	if csp := w.Header().Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || strings.Contains(csp, "unsafe") {
		t.Errorf("policy %q", csp)
	}
}

// broken is a Source that has nothing yet.
type broken struct{ api.Source }

var errNothing = errors.New("nothing yet")

func (broken) Status(context.Context) (api.Status, error) { return api.Status{}, errNothing }
func (broken) Elections(context.Context, api.Page) ([]api.Election, error) {
	return []api.Election{{Winner: 7}, {Winner: -1}}, nil
}
func (broken) Receipts(context.Context, int, string) ([]api.Receipt, error) { return nil, errNothing }

func TestPageStandsWhenTheSourceFails(t *testing.T) {
	for _, src := range []api.Source{nil, broken{}} {
		if w := get(t, Handler(src, nil), "/"); w.Code != 200 || !strings.Contains(w.Body.String(), `href="/api/status"`) {
			t.Errorf("%T: %d", src, w.Code)
		}
	}
}

func TestPartsAreServedWithTheirTypes(t *testing.T) {
	h := Handler(nil, nil)
	for name, kind := range map[string]string{"app.js": "text/javascript", "base.css": "text/css", "icon.svg": "image/svg+xml"} {
		w := get(t, h, "/static/"+name)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %d %s", name, w.Code, w.Header().Get("Content-Type"))
		}
		if w := get(t, h, "/static/"+name, "If-None-Match", w.Header().Get("ETag")); w.Code != 304 {
			t.Errorf("%s again: %d", name, w.Code)
		}
	}
	for _, path := range []string{"/static/", "/static/none.js", "/static/../web.go", "/page.html", "/x"} {
		if w := get(t, h, path); w.Code == 200 {
			t.Errorf("%s is served", path)
		}
	}
}

// TestNothingComesFromElsewhere: no address of another host, no inline script or style, no sink that makes text markup.
func TestNothingComesFromElsewhere(t *testing.T) {
	never := regexp.MustCompile(`https?://|style="| on[a-z]+="|innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|@import|url\(`)
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := files.ReadFile(name)
		text := strings.ReplaceAll(string(data), `xmlns="http://www.w3.org/2000/svg"`, "")
		if bad := never.FindString(text); bad != "" {
			t.Errorf("%s holds %q", name, bad)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
