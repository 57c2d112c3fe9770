package node

import (
	"context"
	"path/filepath"
	"sync"

	"funai/gateway/account"
	"funai/gateway/account/embedded"
	"funai/gateway/account/postgres"
	"funai/gateway/local"
	"funai/gateway/route"
	"funai/gateway/upstream"
)

// Gateway says how a node's gateway serves others than its owner. The zero value is a gateway for its owner, who may give
// out API keys.
type Gateway struct {
	Database    string            // of API keys: a PostgreSQL URL, shared by replicas; "": embedded, in the node's folder
	RequireKey  bool              // nobody asks without an API key
	MaxRequests int               // questions at once; 0: the gateway's usual number
	Hosts       []string          // names it answers to, besides localhost and addresses
	Upstreams   []upstream.Config // servers of the owner's, beside the network
	Local       []local.Served    // engines of this process; who made them closes them, after the HTTP server
}

// keysDir is where API keys are kept, in the node's folder.
const keysDir = "keys"

// accounts opens the store of API keys.
func (n *Node) accounts(ctx context.Context) (account.Store, error) {
	if db := n.cfg.Gateway.Database; db != "" {
		return postgres.Open(ctx, db, postgres.Options{})
	}
	return embedded.Open(filepath.Join(n.cfg.Dir, keysDir), embedded.Options{FS: n.cfg.FS})
}

// router reaches the network, engines of this process and the owner's own servers, which are probed until letGo.
func (n *Node) router() (r *route.Router, letGo func(), err error) {
	sources := []route.Source{&offers{backend: backend{n}}}
	if len(n.cfg.Gateway.Local) > 0 {
		own, err := local.New(n.cfg.Gateway.Local)
		if err != nil {
			return nil, nil, err
		}
		sources = append(sources, own)
	}
	var servers []*upstream.Server
	for _, c := range n.cfg.Gateway.Upstreams {
		c.Logger = n.log.With("part", "upstream")
		u, err := upstream.New(c)
		if err != nil {
			return nil, nil, err
		}
		servers = append(servers, u)
		sources = append(sources, u)
	}
	ctx, stop := context.WithCancel(context.Background())
	var probing sync.WaitGroup
	for _, u := range servers {
		probing.Go(func() { u.Run(ctx) })
	}
	letGo = func() {
		stop()
		probing.Wait()
		for _, u := range servers {
			u.Close()
		}
	}
	return route.New(route.Config{Sources: sources, Logger: n.log.With("part", "route")}), letGo, nil
}
