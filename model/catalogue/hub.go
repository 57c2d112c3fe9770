package catalogue

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
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

// ensureHub fetches a model that the catalogue doesn't pin. The hub says its SHA-256 beforehand (X-Linked-Etag, for files
// in large-file storage), and what was fetched once stays: a file that changed on disk later is fetched again.
func (f *Fetcher) ensureHub(ctx context.Context, h hubFile, p Progress) (string, error) {
	id := sha256.Sum256([]byte(h.owner + "/" + h.repo + ":" + h.file))
	asset := "hf-" + hex.EncodeToString(id[:6])
	path := filepath.Join(f.dir, "models", asset+"-"+filepath.Base(h.file))
	unlock, err := f.lock(ctx, asset)
	if err != nil {
		return "", err
	}
	defer unlock()
	if pin, err := os.ReadFile(path + ".pin"); err == nil {
		if ok, err := verify(ctx, path, blob{h.file, -1, string(pin)}); ok || err != nil {
			return path, err
		}
		f.log.Warn("cached model is corrupt; fetching it again", "path", path)
	}
	want, err := f.hubSays(ctx, h)
	if err != nil {
		return "", err
	}
	if err := f.download(ctx, f.hubURL(h), path, want, p); err != nil {
		return "", err
	}
	if err := checkGGUF(path); err != nil {
		return "", errors.Join(err, remove(path))
	}
	sum, err := sumOf(ctx, path)
	if err != nil {
		return "", err
	}
	return path, f.write(ctx, path+".pin", blob{name: "pin"}, func(w io.Writer) error {
		_, err := w.Write([]byte(sum))
		return err
	})
}

// hubSays asks for a file's size and hash without following the redirect to the storage, whose headers lack them.
func (f *Fetcher) hubSays(ctx context.Context, h hubFile) (blob, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodHead, f.hubURL(h), nil)
	if err != nil {
		return blob{}, err
	}
	client := *f.client
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	answer, err := client.Do(r)
	if err != nil {
		return blob{}, fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusNotFound || answer.StatusCode == http.StatusUnauthorized:
		return blob{}, fmt.Errorf("%w: %s: %s", ErrUnknown, f.hubURL(h), answer.Status)
	case answer.StatusCode >= 400:
		return blob{}, fmt.Errorf("%w: %s: %s", ErrUnavailable, f.hubURL(h), answer.Status)
	}
	want := blob{name: h.file, size: answer.ContentLength}
	if size, err := strconv.ParseInt(answer.Header.Get("X-Linked-Size"), 10, 64); err == nil {
		want.size = size
	}
	if tag := strings.Trim(answer.Header.Get("X-Linked-Etag"), `"`); len(tag) == 64 {
		want.sum = tag
	}
	if want.size <= 0 {
		return blob{}, fmt.Errorf("%w: %s doesn't say how long it is", ErrUnavailable, f.hubURL(h))
	}
	return want, nil
}
