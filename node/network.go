package node

import (
	"errors"
	"fmt"
	"time"

	"funai/amount"
	"funai/inference/block"
	"funai/ledger/consensus"
)

// ErrNetwork says that there is no network of that name.
var ErrNetwork = errors.New("no such network")

// Network is both layers' rules and the models that its transactions name.
type Network struct {
	Ledger    *consensus.Params
	Inference block.Params
	Models    []ModelType
	// Hurry is the least time between ledger blocks while the network is young: until its first full group stands, or
	// hurryBlocks blocks are mined. Zero is the ledger's spacing from the start.
	Hurry time.Duration
}

// hurryBlocks bounds how long a young network hurries when no group forms.
const hurryBlocks = 200

// ModelType is a model as transactions name it, and what is usual for it.
type ModelType struct {
	Type          uint32
	Name          string        // in the catalogue
	RepeatPenalty uint32        // in thousandths, where the asker says nothing
	MaxTokens     uint32        // likewise
	GasPrice      amount.Amount // that servers ask for where their owner says nothing, in base units
}

// Dev is the network of one machine.
func Dev() Network {
	return Network{Ledger: consensus.Dev(), Inference: block.Dev(), Hurry: 120 * time.Millisecond, Models: []ModelType{
		{Type: 1, Name: "tinyllama-1.1b-chat", RepeatPenalty: 1100, MaxTokens: 256, GasPrice: 100},
		{Type: 2, Name: "stories15m", RepeatPenalty: 1100, MaxTokens: 128, GasPrice: 10},
	}}
}

// Main is the network where coins have value. Its models come with the contract that votes them in; none is built in.
func Main() Network {
	return Network{Ledger: consensus.Main(), Inference: block.Main()}
}

// ByName returns a network by its name.
func ByName(name string) (Network, error) {
	switch name {
	case "dev":
		return Dev(), nil
	case "main":
		return Main(), nil
	}
	return Network{}, fmt.Errorf("%w: %q; there are dev and main", ErrNetwork, name)
}

// Model returns a model by its catalogue name.
func (n Network) Model(name string) (ModelType, bool) {
	for _, m := range n.Models {
		if m.Name == name {
			return m, true
		}
	}
	return ModelType{}, false
}

// ModelOf returns a model by its type.
func (n Network) ModelOf(t uint32) (ModelType, bool) {
	for _, m := range n.Models {
		if m.Type == t {
			return m, true
		}
	}
	return ModelType{}, false
}
