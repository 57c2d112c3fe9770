package interop

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"funai/ledger/consensus"
)

var partition = flag.Duration("partition", 5*time.Second, "how long TestPartitionHeals keeps the network apart")

const (
	// leftNodes and rightNodes are the two groups that the network falls into.
	leftNodes, rightNodes = 3, 2

	namespacePrefix = "funai-interop-"
)

// TestPartitionHeals: five nodes as processes, each in a network namespace of its own, on a network that is slow and loses
// packets, are parted in two groups, which both go on mining. When the network is whole again all come to one tip.
func TestPartitionHeals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	t.Log("the network: ", w.quality)
	nodes := w.nodes
	mine := func(n *process, extra int64) {
		t.Helper()
		must(mineByTemplate(context.Background(), n.client, p2wpkh(byte(extra)), extra))(t)
	}
	for range 12 {
		mine(nodes[0], 1)
	}
	converge(t, "five nodes", nodes, patient)

	left, right := nodes[:leftNodes], nodes[leftNodes:]
	spacing := consensus.Dev().Spacing
	w.trunk("down")
	cut := time.Now()
	pace := time.NewTicker(spacing / 4) // in a hurry, so that the branches are long
	defer pace.Stop()
	for n := 0; time.Since(cut) < *partition; n++ {
		mine(left[n%leftNodes], 2)
		if n%2 == 0 { // the right has half the work
			mine(right[n/2%rightNodes], 3)
		}
		converge(t, "the left", left, patient)
		converge(t, "the right", right, patient)
		<-pace.C
	}
	longer, shorter := left[0], right[0]
	if longer.tip() == shorter.tip() || longer.height() <= shorter.height() {
		t.Fatalf("parted, the groups are at %d and %d", longer.height(), shorter.height())
	}
	apart, tip, lost := time.Since(cut), longer.tip(), shorter.height()

	w.trunk("up")
	healed := time.Now()
	// TCP tries again, after a silence, at most as much later; then headers and blocks have to come.
	limit := apart + 5*spacing
	converge(t, "the network, whole again,", nodes, limit)
	took := time.Since(healed)
	if longer.tip() != tip {
		t.Errorf("all are at %s, not at the longer branch's %s", longer.tip(), tip)
	}
	t.Logf("apart for %v, to heights %d and %d; healed in %v, %.1f times the spacing of %v", apart.Round(time.Millisecond),
		longer.height(), lost, took.Round(time.Millisecond), float64(took)/float64(spacing), spacing)
	coins := longer.coins()
	for _, n := range nodes[1:] {
		same(t, n.coins(), coins)
	}
}

// converge waits until all are at one tip.
func converge(t *testing.T, who string, nodes []*process, limit time.Duration) {
	t.Helper()
	tips := func() (is []string) {
		for _, n := range nodes {
			is = append(is, n.tip())
		}
		return is
	}
	untilWithin(t, limit, who+" to be at one tip", func() bool {
		is := tips()
		for _, tip := range is {
			if tip != is[0] {
				return false
			}
		}
		return true
	}, func() string { return strings.Join(tips(), " ") })
}

// world is five nodes on two bridges with a trunk between them, all in network namespaces of the test's own: nothing of
// the machine's own network is touched.
type world struct {
	testing.TB
	hub     string
	quality string
	nodes   []*process
}

func newWorld(t *testing.T) *world {
	t.Helper()
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("no ip (iproute2) on this machine: no network namespaces")
	}
	sweep()
	w := &world{TB: t, hub: fmt.Sprintf("%s%d-hub", namespacePrefix, os.Getpid())}
	if out, err := exec.Command("ip", "netns", "add", w.hub).CombinedOutput(); err != nil {
		t.Skipf("no network namespaces here (they take root): %s", strings.TrimSpace(string(out)))
	}
	t.Cleanup(func() { w.remove(w.hub) })
	for _, bridge := range []string{"left", "right"} {
		w.ip("-n", w.hub, "link", "add", bridge, "type", "bridge")
		w.ip("-n", w.hub, "link", "set", bridge, "up")
	}
	w.ip("-n", w.hub, "link", "add", "trunk", "type", "veth", "peer", "name", "trunk2")
	w.ip("-n", w.hub, "link", "set", "trunk", "master", "left", "up")
	w.ip("-n", w.hub, "link", "set", "trunk2", "master", "right", "up")
	for i := range leftNodes + rightNodes {
		w.add(i)
	}
	for _, n := range w.nodes {
		n.start()
	}
	return w
}

// add makes a node's namespace and gets the node ready, connected to the two that follow it.
func (w *world) add(i int) {
	w.Helper()
	const port = "28444"
	count := leftNodes + rightNodes
	address := func(i int) string { return fmt.Sprintf("10.77.0.%d", 1+i%count) }
	ns, bridge := fmt.Sprintf("%s%d-%d", namespacePrefix, os.Getpid(), i), "left"
	if i >= leftNodes {
		bridge = "right"
	}
	w.ip("netns", "add", ns)
	w.Cleanup(func() { w.remove(ns) })
	end := fmt.Sprintf("node%d", i)
	w.ip("-n", w.hub, "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", ns)
	w.ip("-n", w.hub, "link", "set", end, "master", bridge, "up")
	w.ip("-n", ns, "addr", "add", address(i)+"/24", "dev", "eth0")
	w.ip("-n", ns, "link", "set", "lo", "up")
	w.ip("-n", ns, "link", "set", "eth0", "up")
	w.impair(ns)
	n := newProcess(w, "dev", "--listen", address(i)+":"+port,
		"--connect", address(i+1)+":"+port, "--connect", address(i+2)+":"+port)
	n.name = "node " + strconv.Itoa(i)
	n.args = append([]string{"ip", "netns", "exec", ns}, n.args...)
	n.http = w.way(ns, n)
	w.nodes = append(w.nodes, n)
}

// impair makes a node's link slow and lossy: by netem where the kernel has it, or else by so narrow a link that bursts
// wait, and are dropped.
func (w *world) impair(ns string) {
	w.Helper()
	add := func(qdisc ...string) error {
		return exec.Command("tc", append([]string{"-n", ns, "qdisc", "add", "dev", "eth0", "root"}, qdisc...)...).Run()
	}
	if add("netem", "delay", "40ms", "20ms", "loss", "3%") == nil {
		w.quality = "40 ms delay, 3 % loss, each way (netem)"
		return
	}
	if add("tbf", "rate", "256kbit", "burst", "2kb", "latency", "60ms") == nil {
		w.quality = "256 kbit/s each way, what would wait longer than 60 ms is dropped (tbf; no netem here)"
		return
	}
	w.quality = "as fast as this machine: neither netem nor tbf here"
}

// way is how the test reaches a node's RPC on its namespace's loopback interface.
func (w *world) way(ns string, n *process) *http.Client {
	w.Helper()
	socket := filepath.Join(n.dir, "forward")
	cmd := exec.Command("ip", "netns", "exec", ns, must(os.Executable())(w))
	cmd.Env = append(os.Environ(), forwardTo+"="+strings.TrimPrefix(n.url, "http://"), forwardAt+"="+socket)
	if err := cmd.Start(); err != nil {
		w.Fatal(err)
	}
	w.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	until(w, "a way into "+ns, func() bool { _, err := os.Stat(socket); return err == nil })
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
}

// trunk brings the line between the two groups up or down.
func (w *world) trunk(state string) {
	w.Helper()
	w.ip("-n", w.hub, "link", "set", "trunk", state)
}

func (w *world) ip(args ...string) {
	w.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		w.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}

func (w *world) remove(ns string) {
	if out, err := exec.Command("ip", "netns", "del", ns).CombinedOutput(); err != nil {
		w.Errorf("namespace %s is left behind: %s", ns, out)
	}
}

// sweep removes the namespaces of test processes that ended without doing so, with the nodes that run in them.
func sweep() {
	list, err := exec.Command("ip", "netns", "list").Output()
	if err != nil {
		return
	}
	for line := range strings.Lines(string(list)) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		rest, ours := strings.CutPrefix(name, namespacePrefix)
		owner, _, _ := strings.Cut(rest, "-")
		pid, err := strconv.Atoi(owner)
		if !ours || err != nil || syscall.Kill(pid, 0) == nil {
			continue
		}
		pids, _ := exec.Command("ip", "netns", "pids", name).Output()
		for left := range strings.FieldsSeq(string(pids)) {
			if pid, err := strconv.Atoi(left); err == nil && pid > 1 {
				syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		exec.Command("ip", "netns", "del", name).Run()
	}
}
