package node

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"

	"funai/inference/block"
	"funai/inference/task"
	"funai/inference/tx"
	"funai/inference/verifier"
	"funai/internal/atomicfile"
	"funai/judge"
	"funai/key"
)

// Bounds of gossiped messages, in bytes.
const (
	maxProposal = block.MaxProposalBytes
	maxVote     = block.MaxVoteBytes
	maxStatus   = block.MaxStatusBytes
)

// badTransaction is what no honest node passes on; anything else may come of being at different heights.
var badTransaction = []error{tx.ErrMalformed, tx.ErrUnsupported, key.ErrSignature}

// Judged is a model that a seat can judge: its own copy, and the thresholds that belong to it.
type Judged struct {
	Engine  judge.Scorer
	Policy  judge.Policy
	Encoder judge.Encoder // nil: none; then a policy that names one makes the seat abstain
}

// judges judges tasks by their model type.
type judges struct {
	of       map[uint32]Judged
	evidence *evidence
}

// Judge implements verifier.Judge.
func (j judges) Judge(ctx context.Context, c *task.Checked) verifier.Ruling {
	m, ok := j.of[c.Open.Model]
	if !ok {
		return verifier.Ruling{Verdict: byte(judge.Abstain), Reason: "this seat does not run the model"}
	}
	v := m.Policy.JudgeWith(ctx, m.Engine, m.Encoder, judge.Claim{Request: c.Input.Request(c.Task, c.Open), Text: c.Output.Text,
		Tokens: c.Output.Tokens, PromptTokens: int(c.Receipt.TokensIn)})
	if err := j.evidence.keep(ctx, c.Task, v.Evidence); err != nil {
		return verifier.Ruling{Verdict: byte(judge.Abstain), Reason: "this seat can't keep its evidence: " + err.Error()}
	}
	return verifier.Ruling{Verdict: byte(v.Kind), Evidence: v.Evidence.Hash(), Reason: string(v.Rule) + ": " + v.Reason}
}

// ballots keeps votes in a folder, one file each.
type ballots struct{ dir string }

var _ verifier.Ballots = ballots{}

// Load implements verifier.Ballots.
func (b ballots) Load() (map[[32]byte][]byte, error) {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, err
	}
	if err := atomicfile.Sweep(b.dir); err != nil {
		return nil, err
	}
	files, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, err
	}
	all := map[[32]byte][]byte{}
	for _, f := range files {
		id, err := hex.DecodeString(f.Name())
		if err != nil || len(id) != 32 {
			continue // not ours
		}
		raw, err := os.ReadFile(filepath.Join(b.dir, f.Name()))
		if err != nil {
			return nil, err
		}
		all[[32]byte(id)] = raw
	}
	return all, nil
}

func (b ballots) path(pack [32]byte) string { return filepath.Join(b.dir, hex.EncodeToString(pack[:])) }

// Save implements verifier.Ballots.
func (b ballots) Save(pack [32]byte, ballot []byte) error {
	return atomicfile.Write(b.path(pack), ballot)
}

// Delete implements verifier.Ballots.
func (b ballots) Delete(pack [32]byte) error {
	if err := os.Remove(b.path(pack)); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
