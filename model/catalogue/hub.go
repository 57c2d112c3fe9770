package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// hubFile is a file in a model repository of Hugging Face.
type hubFile struct{ owner, repo, file string }

var hubPattern = regexp.MustCompile(`^hf:([\w.-]+)/([\w.-]+):([\w.-]+(?:/[\w.-]+)*)$`)

// hubRef reads "hf:owner/repo:file".
func hubRef(name string) (hubFile, bool) {
	m := hubPattern.FindStringSubmatch(name)
	if m == nil || strings.Contains(name, "..") {
		return hubFile{}, false
	}
	return hubFile{m[1], m[2], m[3]}, true
}

// hubURL is where the hub serves a file (huggingface.co/docs/huggingface_hub, "Download a single file").
func (f *Fetcher) hubURL(h hubFile) string {
	return strings.TrimSuffix(f.hub, "/") + "/" + h.owner + "/" + h.repo + "/resolve/main/" + h.file
}

// hubPath is where a file of the hub is kept, and the name of its lock.
func (f *Fetcher) hubPath(h hubFile) (path, asset string) {
	id := sha256.Sum256([]byte(h.owner + "/" + h.repo + ":" + h.file))
	asset = "hf-" + hex.EncodeToString(id[:6])
	return filepath.Join(f.dir, "models", asset+"-"+filepath.Base(h.file)), asset
}

func (h hubFile) String() string { return "hf:" + h.owner + "/" + h.repo + ":" + h.file }

// ensureHub fetches a model that the catalogue doesn't pin. The hub says its SHA-256 beforehand, and what was fetched once stays: a
// file that changed on disk later is fetched again.
func (f *Fetcher) ensureHub(ctx context.Context, h hubFile, p Progress) (string, error) {
	path, asset := f.hubPath(h)
	unlock, err := f.lock(ctx, asset)
	if err != nil {
		return "", err
	}
	defer unlock()
	if pin, err := readPin(path); err == nil {
		if ok, err := verify(ctx, path, blob{h.file, -1, pin.sum}); ok || err != nil {
			return path, err
		}
		f.log.Warn("cached model is corrupt; fetching it again", "path", path)
	}
	want, err := f.hubSays(ctx, h)
	if err != nil {
		return "", err
	}
	if err := f.download(ctx, f.hubURL(h), path, want, p); err != nil {
		return "", fmt.Errorf("%s: %w", h, err)
	}
	if err := checkGGUF(path); err != nil {
		return "", errors.Join(err, remove(path))
	}
	return path, f.write(ctx, path+".pin", blob{name: "pin"}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s %s\n", want.sum, h)
		return err
	})
}

// pin is what is kept beside a file of the hub.
type pin struct{ sum, name string }

func readPin(path string) (pin, error) {
	b, err := os.ReadFile(path + ".pin")
	if err != nil {
		return pin{}, err
	}
	sum, name, _ := strings.Cut(strings.TrimSpace(string(b)), " ")
	if len(sum) != 2*sha256.Size {
		return pin{}, fmt.Errorf("catalogue: %s.pin is damaged", path)
	}
	return pin{sum, name}, nil
}

// ask makes a request to the hub, with the user's token.
func (f *Fetcher) ask(ctx context.Context, method, url string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return nil, err
	}
	f.authorise(r)
	client := *f.client
	// The redirect leads to the storage, whose headers lack what is asked for.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	switch code := answer.StatusCode; {
	case code == http.StatusNotFound || code == http.StatusUnauthorized || code == http.StatusForbidden:
		err = fmt.Errorf("%w: %s: %s (models behind a licence want a token in $HF_TOKEN)", ErrUnknown, url, answer.Status)
	case code >= 400:
		err = fmt.Errorf("%w: %s: %s", ErrUnavailable, url, answer.Status)
	}
	if err != nil {
		answer.Body.Close()
		return nil, err
	}
	return answer, nil
}

// authorise adds the token where it belongs: to requests to the hub itself. The standard client takes it off when it is sent on to
// another host.
func (f *Fetcher) authorise(r *http.Request) {
	if f.token != "" && strings.HasPrefix(r.URL.String(), strings.TrimSuffix(f.hub, "/")+"/") {
		r.Header.Set("Authorization", "Bearer "+f.token)
	}
}

// hubSays asks for a file's size and hash: of the file itself, whose headers have them (X-Linked-Size, X-Linked-Etag) for files in
// large-file storage, or else of the list of the repository's files. A file whose hash isn't published isn't fetched.
func (f *Fetcher) hubSays(ctx context.Context, h hubFile) (blob, error) {
	answer, err := f.ask(ctx, http.MethodHead, f.hubURL(h))
	if err != nil {
		return blob{}, err
	}
	answer.Body.Close()
	want := blob{name: h.file, size: -1, sum: strings.Trim(answer.Header.Get("X-Linked-Etag"), `"`)}
	if size, err := strconv.ParseInt(answer.Header.Get("X-Linked-Size"), 10, 64); err == nil {
		want.size = size
	}
	if !isSum(want.sum) || want.size <= 0 {
		if want, err = f.hubLists(ctx, h); err != nil {
			return blob{}, err
		}
	}
	return want, nil
}

func isSum(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == sha256.Size
}

// Bounds of a list of files: one page has at most 1,000 entries.
const (
	maxListBytes = 4 << 20
	maxListPages = 20
)

// hubEntry is a file in the list that /api/models/OWNER/REPO/tree/main gives.
type hubEntry struct {
	Path string `json:"path"`
	LFS  *struct {
		OID  string `json:"oid"` // SHA-256
		Size int64  `json:"size"`
	} `json:"lfs"`
}

var nextPage = regexp.MustCompile(`<([^>]+)>;\s*rel="next"`)

// hubLists looks a file up in the list of its folder.
func (f *Fetcher) hubLists(ctx context.Context, h hubFile) (blob, error) {
	base := strings.TrimSuffix(f.hub, "/")
	url := base + "/api/models/" + h.owner + "/" + h.repo + "/tree/main"
	if folder := path.Dir(h.file); folder != "." {
		url += "/" + folder
	}
	for range maxListPages {
		answer, err := f.ask(ctx, http.MethodGet, url)
		if err != nil {
			return blob{}, err
		}
		var entries []hubEntry
		err = json.NewDecoder(io.LimitReader(answer.Body, maxListBytes)).Decode(&entries)
		answer.Body.Close()
		if err != nil {
			return blob{}, fmt.Errorf("%w: list of files of %s: %w", ErrUnavailable, h, err)
		}
		for _, e := range entries {
			switch {
			case e.Path != h.file:
			case e.LFS == nil || !isSum(e.LFS.OID) || e.LFS.Size <= 0:
				return blob{}, fmt.Errorf("%w: the hub publishes no SHA-256 of %s", ErrChecksum, h)
			default:
				return blob{h.file, e.LFS.Size, e.LFS.OID}, nil
			}
		}
		next := nextPage.FindStringSubmatch(answer.Header.Get("Link"))
		if next == nil || !strings.HasPrefix(next[1], base+"/") {
			break
		}
		url = next[1]
	}
	return blob{}, fmt.Errorf("%w: no %s in the list of files", ErrUnknown, h)
}
