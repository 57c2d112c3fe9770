package gguf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"github.com/hybridgroup/yzma/pkg/llama"
)

// Shared libraries are loaded into a process, not into a value, and yzma keeps their functions in variables of its own: so
// these variables are the process's too.
var (
	loadOnce sync.Once
	loadErr  error
	loadDir  string
	trouble  complaints
)

// loadLibraries loads llama.cpp once. A later call with another folder is told that it is too late.
func loadLibraries(dir string) error {
	loadOnce.Do(func() {
		loadDir = dir
		if dir == "" { // else yzma would take the folder from the environment
			loadErr = fmt.Errorf("%w: no folder of libraries given", ErrLoad)
			return
		}
		if err := llama.Load(dir); err != nil {
			loadErr = fmt.Errorf("%w libraries in %s: %w", ErrLoad, dir, err)
			return
		}
		llama.LogSet(purego.NewCallback(trouble.hear))
		llama.Init()
	})
	if loadErr == nil && filepath.Clean(dir) != filepath.Clean(loadDir) {
		return fmt.Errorf("%w libraries in %s: those in %s are loaded already", ErrLoad, dir, loadDir)
	}
	return loadErr
}

// complaints keeps the latest error lines of llama.cpp, whose functions only say that they failed. Everything else that it
// logs is dropped.
type complaints struct {
	mu    sync.Mutex
	lines []string
}

// hear is llama.cpp's log callback, called on any thread.
func (c *complaints) hear(level int32, text, _ uintptr) uintptr {
	if llama.LogLevel(level) == llama.LogLevelError && text != 0 {
		line := strings.TrimSpace(goString(text))
		c.mu.Lock()
		c.lines = append(c.lines, line)
		c.lines = c.lines[max(0, len(c.lines)-4):]
		c.mu.Unlock()
	}
	return 0
}

func (c *complaints) reset() {
	c.mu.Lock()
	c.lines = nil
	c.mu.Unlock()
}

func (c *complaints) last() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.lines, "; ")
}

// goString copies a C string of at most 1,000 bytes.
func goString(p uintptr) string {
	b := *(**byte)(unsafe.Pointer(&p)) // an address of C memory, which the collector leaves alone
	n := 0
	for n < 1000 && *(*byte)(unsafe.Add(unsafe.Pointer(b), n)) != 0 {
		n++
	}
	return string(unsafe.Slice(b, n))
}

// defaultThreads leaves a core to everything else: llama.cpp's threads wait for one another by spinning, and when one of them
// has no core to run on all of them stand (measured on 2 busy cores: 13 tokens a second with 1 thread, 1.6 with 2).
func defaultThreads() int {
	return min(max(1, physicalCores()-1), 16)
}

// physicalCores counts hardware threads that share a core once, where Linux says which do, up to what this process may use.
func physicalCores() int {
	paths, _ := filepath.Glob("/sys/devices/system/cpu/cpu[0-9]*/topology/thread_siblings_list")
	cores := map[string]bool{}
	for _, p := range paths {
		if b, err := os.ReadFile(p); err == nil {
			cores[string(b)] = true
		}
	}
	if len(cores) == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return min(len(cores), runtime.GOMAXPROCS(0))
}
