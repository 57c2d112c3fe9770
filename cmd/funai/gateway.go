package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"funai/amount"
	"funai/gateway"
	"funai/gateway/local"
	"funai/gateway/upstream"
	"funai/node"
)

// maxGatewayFile bounds the file of --gateway, in bytes.
const maxGatewayFile = 1 << 20

// gatewayFile is the file of --gateway (docs/api.md, "A gateway for others").
type gatewayFile struct {
	Database    string         `json:"database"`     // of API keys: a PostgreSQL URL; empty: the node's own
	RequireKey  bool           `json:"require_key"`  // nobody asks without an API key
	MaxRequests int            `json:"max_requests"` // questions at once
	Hosts       []string       `json:"hosts"`        // names it answers to
	Upstreams   []upstreamFile `json:"upstreams"`
	Local       []localFile    `json:"local"` // models that this process runs
}

type upstreamFile struct {
	Name        string       `json:"name"`
	URL         string       `json:"url"`
	KeyFrom     string       `json:"key_from"` // the environment variable that holds its API key
	IdleSeconds int          `json:"idle_seconds"`
	MaxAsks     int          `json:"max_requests"`
	Models      []servedFile `json:"models"`
}

type servedFile struct {
	ID        string          `json:"id"`
	There     string          `json:"there"`
	Context   int             `json:"context"`
	MaxTokens int             `json:"max_tokens"`
	PriceIn   amount.Amount   `json:"price_in"`
	PriceOut  amount.Amount   `json:"price_out"`
	Can       gateway.Ability `json:"can"` // left out: all that the server shows
}

// localFile is a model that the gateway's own process runs.
type localFile struct {
	Model     string        `json:"model"` // as --serve has it
	ID        string        `json:"id"`    // empty: as the model calls itself
	MaxTokens int           `json:"max_tokens"`
	PriceIn   amount.Amount `json:"price_in"`
	PriceOut  amount.Amount `json:"price_out"`
}

// readGateway reads the file of --gateway, and which models to open for it; an empty path is a gateway for the owner alone.
func (a *app) readGateway(path string) (g node.Gateway, models []localFile, err error) {
	if path == "" {
		return g, nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return g, nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxGatewayFile))
	if err := errors.Join(err, f.Close()); err != nil {
		return g, nil, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields() // a setting misspelt would be none
	var file gatewayFile
	if err := d.Decode(&file); err != nil {
		return g, nil, fmt.Errorf("%s: %w", path, err)
	}
	g = node.Gateway{Database: file.Database, RequireKey: file.RequireKey, MaxRequests: file.MaxRequests, Hosts: file.Hosts}
	names := map[string]bool{local.Name: true}
	for _, u := range file.Upstreams {
		if names[u.Name] {
			return g, nil, fmt.Errorf("%s: two servers are called %q, or one as this process is", path, u.Name)
		}
		names[u.Name] = true
		c := upstream.Config{Name: u.Name, BaseURL: u.URL, MaxAsks: u.MaxAsks, Idle: time.Duration(u.IdleSeconds) * time.Second}
		if u.KeyFrom != "" {
			if c.Key = a.getenv(u.KeyFrom); c.Key == "" {
				return g, nil, fmt.Errorf("%s: the variable %s with the key of %s is empty", path, u.KeyFrom, u.Name)
			}
		}
		for _, m := range u.Models {
			c.Models = append(c.Models, upstream.Served(m))
		}
		if _, err := upstream.New(c); err != nil { // before anything is opened
			return g, nil, fmt.Errorf("%s: %w", path, err)
		}
		g.Upstreams = append(g.Upstreams, c)
	}
	return g, file.Local, nil
}
