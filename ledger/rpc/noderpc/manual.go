package noderpc

import (
	"context"
	"errors"
	"net/netip"
	"slices"
	"time"

	"funai/ledger/peer"
	"funai/ledger/rpc"
)

// connectionMethods choose whom to be connected to.
func (n *node) connectionMethods() rpc.Methods {
	return rpc.Methods{
		"addnode": {Params: []string{"node", "command", "v2transport"},
			Help: "addnode \"node\" \"add|remove|onetry\"\n\nStay connected to a node, stop doing so, or try once.", Do: n.addNode},
		"getaddednodeinfo": {Params: []string{"node"}, Help: "getaddednodeinfo ( \"node\" )\n\nThe nodes to stay connected to.", Do: n.getAddedNodeInfo},
		"disconnectnode": {Params: []string{"address", "nodeid"},
			Help: "disconnectnode ( \"address\" nodeid )\n\nEnd a connection, named in one of the two ways.", Do: n.disconnectNode},
		"setban": {Params: []string{"subnet", "command", "bantime", "absolute"},
			Help: "setban \"subnet\" \"add|remove\" ( bantime absolute )\n\nRefuse connections from and to an address or subnet, for bantime seconds (a day) or, if " +
				"absolute, until that Unix time; or no longer.", Do: n.setBan},
		"listbanned": {Help: "listbanned\n\nThe addresses and subnets banned.", Do: n.listBanned},
		"clearbanned": {Help: "clearbanned\n\nEnd all bans.",
			Do: func(context.Context, rpc.Args) (any, error) {
				n.Peers.ClearBans()
				return nil, nil
			}},
	}
}

func (n *node) addNode(_ context.Context, a rpc.Args) (any, error) {
	addr, err := rpc.Need[string](a, 0, "node")
	if err != nil {
		return nil, err
	}
	command, err := rpc.Need[string](a, 1, "command")
	if err != nil {
		return nil, err
	}
	switch command {
	case "onetry":
		if err := n.Peers.Try(addr); err != nil {
			return nil, rpc.Errorf(rpc.CodeInvalidParameter, "Error: %v", err)
		}
		return nil, nil
	case "add":
		before := n.Peers.Added()
		n.Peers.Connect(addr)
		if len(n.Peers.Added()) == len(before) {
			return nil, rpc.Errorf(rpc.CodeNodeAlreadyAdded, "Error: Node already added")
		}
		return nil, nil
	case "remove":
		if n.Peers.Forget(addr) != nil {
			return nil, rpc.Errorf(rpc.CodeNodeNotAdded, "Error: Node could not be removed. It has not been added previously.")
		}
		return nil, nil
	}
	return nil, rpc.Errorf(rpc.CodeMisc, `command is "add", "remove" or "onetry" (not '%s')`, shorten(command))
}

type addedNode struct {
	Node      string         `json:"addednode"`
	Connected bool           `json:"connected"`
	Addresses []addedAddress `json:"addresses"`
}

type addedAddress struct {
	Address   string `json:"address"`
	Connected string `json:"connected"`
}

func (n *node) getAddedNodeInfo(_ context.Context, a rpc.Args) (any, error) {
	name, err := rpc.Arg(a, 0, "")
	if err != nil {
		return nil, err
	}
	nodes := []addedNode{}
	for _, p := range n.Peers.Added() {
		if name != "" && p.Addr != name {
			continue
		}
		j := addedNode{p.Addr, p.Connected, []addedAddress{}}
		if p.Connected {
			j.Addresses = append(j.Addresses, addedAddress{p.Addr, "outbound"})
		}
		nodes = append(nodes, j)
	}
	if name != "" && len(nodes) == 0 {
		return nil, rpc.Errorf(rpc.CodeNodeNotAdded, "Error: Node has not been added.")
	}
	return nodes, nil
}

func (n *node) disconnectNode(_ context.Context, a rpc.Args) (any, error) {
	addr, err := rpc.Arg(a, 0, "")
	if err != nil {
		return nil, err
	}
	id, err := rpc.Arg(a, 1, int32(-1))
	if err != nil {
		return nil, err
	}
	switch {
	case addr != "" && id < 0:
		err = n.Peers.Disconnect(addr)
	case addr == "" && id >= 0:
		err = n.Peers.DisconnectID(id)
	default:
		return nil, rpc.Errorf(rpc.CodeInvalidParams, "Only one of address and nodeid should be provided.")
	}
	if errors.Is(err, peer.ErrNotConnected) {
		err = rpc.Errorf(rpc.CodeNodeNotConnected, "Node not found in connected nodes")
	}
	return nil, err
}

// parseSubnet reads an address or a subnet.
func parseSubnet(s string) (netip.Prefix, error) {
	if ip, err := netip.ParseAddr(s); err == nil {
		return netip.PrefixFrom(ip.WithZone(""), ip.BitLen()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return p, rpc.Errorf(rpc.CodeInvalidIPSubnet, "Error: Invalid IP/Subnet")
	}
	return p.Masked(), nil
}

func (n *node) setBan(_ context.Context, a rpc.Args) (any, error) {
	s, err := rpc.Need[string](a, 0, "subnet")
	if err != nil {
		return nil, err
	}
	command, err := rpc.Need[string](a, 1, "command")
	if err != nil {
		return nil, err
	}
	subnet, err := parseSubnet(s)
	if err != nil {
		return nil, err
	}
	switch command {
	case "add":
		return nil, n.ban(a, subnet)
	case "remove":
		if n.Peers.Unban(subnet) != nil {
			return nil, rpc.Errorf(rpc.CodeInvalidIPSubnet, "Error: Unban failed. Requested address/subnet was not previously manually banned.")
		}
		return nil, nil
	}
	return nil, rpc.Errorf(rpc.CodeMisc, `command is "add" or "remove" (not '%s')`, shorten(command))
}

// maxBan bounds the seconds of a ban: a century is as good as for ever.
const maxBan = 100 * 365 * 24 * 60 * 60

func (n *node) ban(a rpc.Args, subnet netip.Prefix) error {
	duration, err := rpc.Arg(a, 2, int64(0))
	if err != nil {
		return err
	}
	absolute, err := rpc.Arg(a, 3, false)
	if err != nil {
		return err
	}
	if slices.ContainsFunc(n.Peers.Bans(), func(b peer.BanInfo) bool { return b.Subnet == subnet }) {
		return rpc.Errorf(rpc.CodeNodeAlreadyAdded, "Error: IP/Subnet already banned")
	}
	now := time.Now()
	var until time.Time // zero: the server's usual time
	switch {
	case absolute && duration < now.Unix():
		return rpc.Errorf(rpc.CodeInvalidParameter, "Error: Absolute timestamp is in the past")
	case absolute:
		until = time.Unix(min(duration, now.Unix()+maxBan), 0)
	case duration > 0:
		until = now.Add(time.Duration(min(duration, maxBan)) * time.Second)
	}
	n.Peers.Ban(subnet, until)
	return nil
}

type banned struct {
	Address   string `json:"address"`
	Created   int64  `json:"ban_created"`
	Until     int64  `json:"banned_until"`
	Duration  int64  `json:"ban_duration"`
	Remaining int64  `json:"time_remaining"`
}

func (n *node) listBanned(context.Context, rpc.Args) (any, error) {
	bans, now := []banned{}, time.Now().Unix()
	for _, b := range n.Peers.Bans() {
		since, until := b.Since.Unix(), b.Until.Unix()
		bans = append(bans, banned{b.Subnet.String(), since, until, until - since, until - now})
	}
	return bans, nil
}
