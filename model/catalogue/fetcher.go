package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"funai/internal/cachedir"
)

// Progress is told how many bytes of an asset are there, out of how many; total is -1 while it isn't known. It is called
// often, from the goroutine that fetches.
type Progress func(asset string, done, total int64)

// Options of a Fetcher; the zero value is right for a user's machine.
type Options struct {
	Dir    string       // cache; default cachedir.Path
	HTTP   *http.Client // default: the environment's proxies, short waits for a connection
	NPM    string       // npm command; default "npm"
	Hub    string       // default $HF_ENDPOINT, then https://huggingface.co
	Token  string       // for the hub's models that want one; default $HF_TOKEN
	Engine string       // variant of the engine libraries; default $FUNAI_ENGINE, then what the machine can use
	Limit  int64        // bytes that the cache may take; default: the disk's room but a reserve
	Logger *slog.Logger
}

// Fetcher brings assets into a cache directory. It may be used from many goroutines, and many processes may share the
// directory: whoever comes second waits for the first and finds its work done.
type Fetcher struct {
	dir, npm, hub string
	token         string
	variant       string
	limit         int64 // bytes; 0: none
	machine       func() machine
	client        *http.Client
	log           *slog.Logger
	free          func(dir string) (int64, error) // bytes left; replaced in tests
	wait          time.Duration                   // before the first retry; doubled each time
	stall         time.Duration                   // without a byte until a connection is given up
}

// New returns a Fetcher.
func New(o Options) (*Fetcher, error) {
	f := &Fetcher{dir: o.Dir, npm: o.NPM, hub: o.Hub, client: o.HTTP, log: o.Logger, token: o.Token, variant: o.Engine, limit: o.Limit,
		machine: thisMachine, free: freeBytes, wait: 300 * time.Millisecond, stall: 30 * time.Second}
	var err error
	if f.dir == "" {
		if f.dir, err = cachedir.Path(); err != nil {
			return nil, fmt.Errorf("catalogue: no cache directory (set FUNAI_CACHE): %w", err)
		}
	} else if f.dir, err = filepath.Abs(f.dir); err != nil {
		return nil, fmt.Errorf("catalogue: cache directory: %w", err)
	}
	if f.npm == "" {
		f.npm = "npm"
	}
	if f.hub == "" {
		f.hub = os.Getenv("HF_ENDPOINT")
	}
	if f.hub == "" {
		f.hub = "https://huggingface.co"
	}
	if f.token == "" {
		f.token = os.Getenv("HF_TOKEN")
	}
	if f.variant == "" {
		f.variant = os.Getenv("FUNAI_ENGINE")
	}
	if f.client == nil {
		t := http.DefaultTransport.(*http.Transport).Clone()
		t.DialContext = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
		t.TLSHandshakeTimeout, t.ResponseHeaderTimeout = 10*time.Second, 20*time.Second
		f.client = &http.Client{Transport: t}
	}
	if f.log == nil {
		f.log = slog.New(slog.DiscardHandler)
	}
	return f, nil
}

// Dir is the cache directory.
func (f *Fetcher) Dir() string { return f.dir }

// Ensure returns the path of a model's GGUF file, fetching it first if it isn't here. The name is one of the catalogue, a
// path, or "hf:owner/repo:file" on Hugging Face.
func (f *Fetcher) Ensure(ctx context.Context, name string, p Progress) (string, error) {
	if m, err := Lookup(name); err == nil {
		return f.ensure(ctx, m, p)
	}
	if ref, ok := hubRef(name); ok {
		return f.ensureHub(ctx, ref, p)
	}
	if info, err := os.Stat(name); err != nil || !info.Mode().IsRegular() {
		return "", fmt.Errorf("%w: %q is no name of the catalogue, no hf:owner/repo:file, and no file", ErrUnknown, name)
	}
	if err := checkGGUF(name); err != nil {
		return "", err
	}
	return filepath.Abs(name)
}

// Cached returns where a model's file is, if it is here whole.
func (f *Fetcher) Cached(ctx context.Context, name string) (string, bool) {
	m, err := Lookup(name)
	if err != nil {
		return "", false
	}
	ok, err := verify(ctx, f.modelPath(m), m.blob())
	return f.modelPath(m), ok && err == nil
}

// Remove deletes a model of the catalogue or of the hub, and what was fetched of it, from the cache. It returns how many bytes
// that freed; a file of the user's own is not touched.
func (f *Fetcher) Remove(ctx context.Context, name string) (int64, error) {
	var path, asset string
	if m, err := Lookup(name); err == nil {
		path, asset = f.modelPath(m), m.Name
	} else if ref, ok := hubRef(name); ok {
		path, asset = f.hubPath(ref)
	} else {
		return 0, err
	}
	unlock, err := f.lock(ctx, asset)
	if err != nil {
		return 0, err
	}
	defer unlock()
	before := treeBytes(f.downloads(asset))
	for _, end := range []string{"", ".sha256", ".pin", ".pin.sha256", ".partial", ".tmp"} {
		before += fileSize(path + end)
		err = errors.Join(err, remove(path+end))
	}
	return before, errors.Join(err, os.RemoveAll(f.downloads(asset)))
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

func (m Model) blob() blob { return blob{m.Name, m.Size, fmt.Sprintf("%x", m.Hash)} }

// modelPath has the hash in its name, so that two versions of funai with different pins don't fight over one file.
func (f *Fetcher) modelPath(m Model) string {
	return filepath.Join(f.dir, "models", fmt.Sprintf("%s-%x.gguf", m.Name, m.Hash[:4]))
}

func (f *Fetcher) downloads(asset string) string { return filepath.Join(f.dir, "downloads", asset) }

func (f *Fetcher) ensure(ctx context.Context, m Model, p Progress) (string, error) {
	path := f.modelPath(m)
	if ok, err := verify(ctx, path, m.blob()); ok || err != nil {
		return path, err
	}
	unlock, err := f.lock(ctx, m.Name)
	if err != nil {
		return "", err
	}
	defer unlock()
	if ok, err := verify(ctx, path, m.blob()); ok || err != nil {
		return path, err
	}
	if _, err := os.Stat(path); err == nil {
		f.log.Warn("cached model is corrupt; fetching it again", "model", m.Name, "path", path)
	}
	if m.base != "" {
		return path, f.quantise(ctx, m, path, p)
	}
	if err := f.room(f.dir, m.peak()-treeBytes(f.downloads(m.Name))); err != nil {
		return "", fmt.Errorf("%s: %w", m.Name, err)
	}
	files := make([]string, len(m.parts))
	for i, part := range m.parts {
		if files[i], err = f.part(ctx, f.downloads(m.Name), part, p); err != nil {
			return "", fmt.Errorf("%s: %w", m.Name, err)
		}
	}
	if err := f.write(ctx, path, m.blob(), func(w io.Writer) error { return assemble(w, m, files) }); err != nil {
		return "", fmt.Errorf("%s: %w", m.Name, err)
	}
	return path, os.RemoveAll(f.downloads(m.Name))
}

// assemble joins or converts a model's parts. Only small models are converted, so those may be held in memory.
func assemble(w io.Writer, m Model, files []string) error {
	var parts [][]byte
	for _, name := range files {
		if m.convert == nil {
			if err := copyFile(w, name); err != nil {
				return err
			}
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		parts = append(parts, b)
	}
	if m.convert == nil {
		return nil
	}
	return m.convert(w, parts)
}

func copyFile(w io.Writer, name string) error {
	r, err := os.Open(name)
	if err != nil {
		return err
	}
	defer r.Close()
	_, err = io.Copy(w, r)
	return err
}

func checkGGUF(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	magic := make([]byte, 4)
	if n, _ := io.ReadFull(r, magic); n < 4 || string(magic) != "GGUF" {
		return fmt.Errorf("%w: %s begins with %q", ErrNotGGUF, path, magic[:n])
	}
	return nil
}
