package template

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const helperVariable = "FUNAI_TEMPLATE_TEST_HELPER"

// TestHelper renders for ever, where TestWorkersDoNotOutliveWhoTheyWorkFor asks for it.
func TestHelper(t *testing.T) {
	if os.Getenv(helperVariable) == "" {
		t.Skip("the helper of another test")
	}
	x := open(t, "{% if messages[0].content == 'go' %}{% for i in range(100000000000) %}{% endfor %}{% endif %}")
	x.limit = time.Hour
	if _, err := x.Render(t.Context(), user("wait")); err != nil {
		t.Fatal(err)
	}
	fmt.Printf("worker %d\n", x.worker.command.Process.Pid)
	_, _ = x.Render(t.Context(), user("go"))
}

func TestWorkersDoNotOutliveWhoTheyWorkFor(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("asks /proc whether a process lives")
	}
	c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestHelper$")
	c.Env = append(os.Environ(), helperVariable+"=1")
	out, err := c.StdoutPipe()
	if err := errors.Join(err, c.Start()); err != nil {
		t.Fatal(err)
	}
	worker := 0
	for lines := bufio.NewScanner(out); worker == 0 && lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "worker "); ok {
			worker, _ = strconv.Atoi(rest)
		}
	}
	if worker == 0 {
		t.Fatal("the helper started no worker")
	}
	for start := time.Now(); ticks(worker) < 20; time.Sleep(10 * time.Millisecond) { // until it is in the endless loop
		if time.Since(start) > time.Minute {
			t.Fatalf("worker %d does nothing", worker)
		}
	}
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // says that it was killed
	for start := time.Now(); alive(worker); time.Sleep(10 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("worker %d lives on", worker)
		}
	}
}

// alive says whether a process runs; one that ended and wasn't waited for doesn't.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(b), ") Z ")
}

// ticks is how many hundredths of a second a process ran (proc(5), utime).
func ticks(pid int) int {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 12 {
		return 0
	}
	n, _ := strconv.Atoi(fields[11])
	return n
}
