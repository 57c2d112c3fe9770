package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"funai/ledger/consensus"
	ledgernode "funai/ledger/node"
	"funai/ledger/rpc"
)

// ledgerEndpoint is the file, in the data directory, with the address of the RPC of the ledger node that runs from here.
const ledgerEndpoint = "ledger-rpc"

func (a *app) ledgerCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "ledger", Short: "Run a node of the ledger alone, and talk to it",
		Long: `Run a node of the ledger alone, and talk to it. The ledger is a Bitcoin with other parameters: Bitcoin's
miners, wallets and explorers find its JSON-RPC with Bitcoin's names, shapes and error codes.

Networks, with the ports that nodes listen on and that RPC is served on:
` + ledgerPorts(),
		Example: `  funai ledger run --network dev --mine ADDRESS
  funai ledger status
  funai ledger rpc getblockhash 0`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.ledgerRunCommand(), a.ledgerRPCCommand(), a.ledgerStatusCommand())
	return cmd
}

// ledgerNetworks are the ledger's networks by name.
func ledgerNetworks() []*consensus.Params {
	return []*consensus.Params{consensus.Main(), consensus.Test(), consensus.Dev(), consensus.BitcoinRegtest()}
}

func ledgerNetwork(name string) (*consensus.Params, error) {
	var names []string
	for _, p := range ledgerNetworks() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return nil, usage("--network %q is not %s", name, strings.Join(names, ", "))
}

// rpcPort is the port of a network's RPC: the one below the port of its nodes, as on Bitcoin's main network.
func rpcPort(p *consensus.Params) string {
	port, err := strconv.Atoi(p.DefaultPort)
	if err != nil {
		return "" // parameters are our own
	}
	return strconv.Itoa(port - 1)
}

func ledgerPorts() string {
	var b strings.Builder
	for _, p := range ledgerNetworks() {
		fmt.Fprintf(&b, "  %-16s %s  %s\n", p.Name, p.DefaultPort, rpcPort(p))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func ledgerNetworkFlag(cmd *cobra.Command, to *string) {
	var names []string
	for _, p := range ledgerNetworks() {
		names = append(names, p.Name)
	}
	cmd.Flags().StringVar(to, "network", "dev", "`network`: "+strings.Join(names, ", "))
	_ = cmd.RegisterFlagCompletionFunc("network", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

// ledgerTarget says which running ledger node a command talks to.
type ledgerTarget struct {
	network, dir, rpc, user, password string
}

func (t *ledgerTarget) flags(cmd *cobra.Command) {
	ledgerNetworkFlag(cmd, &t.network)
	f := cmd.Flags()
	f.StringVar(&t.dir, "dir", "", "data `directory` of the node (default the network's name in $FUNAI_DIR or ~/.funai)")
	f.StringVar(&t.rpc, "rpc", "", "`address` of the node's RPC (default that of the node that runs from the directory)")
	f.StringVar(&t.user, "rpc-user", "", "`user` of RPC (default the directory's cookie file)")
	f.StringVar(&t.password, "rpc-password", "", "the user's `password` (default $FUNAI_RPC_PASSWORD)")
}

// ledgerFlags are the flags that name a network and, unless it is the usual one, a data directory.
func ledgerFlags(network, dir string) string {
	flags := " --network " + network
	if strings.ContainsAny(dir, " \t\"'\\$") {
		dir = strconv.Quote(dir)
	}
	if dir != "" {
		flags += " --dir " + dir
	}
	return flags
}

// client talks to the node.
func (a *app) ledgerClient(t ledgerTarget) (*rpc.Client, error) {
	p, err := ledgerNetwork(t.network)
	if err != nil {
		return nil, err
	}
	dir, err := a.dataDir(t.dir, p.Name)
	if err != nil {
		return nil, err
	}
	address := t.rpc
	if address == "" {
		address, err = readSmall(filepath.Join(dir, ledgerEndpoint))
		if errors.Is(err, os.ErrNotExist) {
			return nil, &hinted{fmt.Errorf("no ledger node is running from %s", dir), "start one with `funai ledger run" + ledgerFlags(p.Name, t.dir) + "`, or name another with --rpc"}
		} else if err != nil {
			return nil, err
		}
	}
	if _, _, err := net.SplitHostPort(address); err != nil {
		address = net.JoinHostPort(address, rpcPort(p))
	}
	url := "http://" + address
	if t.user != "" {
		password := t.password
		if password == "" {
			password = a.getenv("FUNAI_RPC_PASSWORD")
		}
		return rpc.Dial(url, t.user, password), nil
	}
	c, err := rpc.DialCookie(url, filepath.Join(dir, ledgernode.CookieFile))
	if err != nil {
		return nil, &hinted{err, "give the data directory of the node with --dir, or --rpc-user and --rpc-password"}
	}
	return c, nil
}

// ledgerError says what to do about an error of a call.
func ledgerError(err error) error {
	var e *net.OpError
	switch {
	case errors.Is(err, rpc.ErrPassword):
		return &hinted{err, "give --rpc-user and --rpc-password, or the data directory of the node with --dir"}
	case errors.As(err, &e):
		return &hinted{err, "start a node with `funai ledger run`, or name another with --rpc"}
	}
	return err
}

// hostPorts checks addresses to connect to, whose port may be left out.
func hostPorts(flag string, addrs []string) error {
	if i := slices.IndexFunc(addrs, func(s string) bool { return s == "" || strings.ContainsAny(s, " /") }); i >= 0 {
		return usage("%s %q is no host:port", flag, addrs[i])
	}
	return nil
}
