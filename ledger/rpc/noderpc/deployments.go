package noderpc

import (
	"context"

	"funai/ledger/rpc"
)

// deployment is a soft fork in getdeploymentinfo's answer.
type deployment struct {
	Type   string `json:"type"` // "buried": in force from a height on; "bip9": voted on by miners once
	Active bool   `json:"active"`
	Height int32  `json:"height"`
	BIP9   *bip9  `json:"bip9,omitempty"`
}

// bip9 is what became of a vote.
type bip9 struct {
	Start      int64  `json:"start_time"`
	Timeout    int64  `json:"timeout"`
	MinHeight  int32  `json:"min_activation_height"`
	Status     string `json:"status"`
	Since      int32  `json:"since"`
	StatusNext string `json:"status_next"`
}

// deployments are the soft forks by Bitcoin Core's names. They are the same on every network here: in force from the first
// block that can break them, and taproot by a vote that never had to be held (Bitcoin Core's ALWAYS_ACTIVE, NO_TIMEOUT).
func deployments() map[string]deployment {
	const (
		alwaysActive = -1
		noTimeout    = 1<<63 - 1
	)
	buried := deployment{Type: "buried", Active: true, Height: 1}
	return map[string]deployment{
		"bip34": buried, "bip65": buried, "bip66": buried, "csv": buried, "segwit": {Type: "buried", Active: true},
		"taproot": {Type: "bip9", Active: true, BIP9: &bip9{Start: alwaysActive, Timeout: noTimeout, Status: "active", StatusNext: "active"}},
	}
}

// deploymentInfo is getdeploymentinfo's answer.
type deploymentInfo struct {
	Hash        string                `json:"hash"`
	Height      int32                 `json:"height"`
	Deployments map[string]deployment `json:"deployments"`
}

func (n *node) getDeploymentInfo(_ context.Context, a rpc.Args) (any, error) {
	at := n.Chain.Tip()
	if a.Has(0) {
		info, err := n.info(a, 0, "blockhash")
		if err != nil {
			return nil, err
		}
		at = info.Index
	}
	return deploymentInfo{at.Hash.String(), at.Height, deployments()}, nil
}
