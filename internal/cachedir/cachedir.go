// Package cachedir says where this project keeps what it can fetch again: models, engines, other people's programs.
package cachedir

import (
	"os"
	"path/filepath"
)

// Path is the absolute path of the folder: $FUNAI_CACHE, else "funai" in the user's cache folder. It need not exist.
func Path() (string, error) {
	if dir := os.Getenv("FUNAI_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	base, err := os.UserCacheDir()
	return filepath.Join(base, "funai"), err
}
