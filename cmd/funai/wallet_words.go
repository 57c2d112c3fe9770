package main

import (
	"context"

	"github.com/spf13/cobra"

	"funai/key"
	"funai/ledger/wallet/hdkey"
)

// fromWords says which recovery words a node's key is derived from, if any.
type fromWords struct {
	on                bool
	words, seedPhrase string // files
}

func (w *fromWords) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.BoolVar(&w.on, "from-words", false, "derive the key from the words of an hd wallet, which are asked for or come on standard input")
	f.StringVar(&w.words, "words-file", "", "`file` with the words, for --from-words")
	f.StringVar(&w.seedPhrase, "seed-passphrase-file", "", "`file` with BIP-39's optional passphrase, for --from-words")
}

// makeKey is a new key, or the first of a wallet's.
func (a *app) makeKey(ctx context.Context, w *fromWords, network string) (*key.Private, error) {
	if !w.on {
		if w.words != "" || w.seedPhrase != "" {
			return nil, usage("--words-file and --seed-passphrase-file go with --from-words")
		}
		return key.Generate()
	}
	phrase := ""
	if w.seedPhrase != "" {
		var err error
		if phrase, err = readSecret(w.seedPhrase); err != nil {
			return nil, err
		}
	}
	words, err := a.askWords(ctx, w.words)
	if err != nil {
		return nil, err
	}
	seed, err := hdkey.Seed(words, phrase)
	if err != nil {
		return nil, hdError(err)
	}
	defer clear(seed)
	accounts, err := hdkey.Private(seed, ledgerParams(network))
	if err != nil {
		return nil, err
	}
	defer accounts.Zero()
	first, err := accounts.PrivateKey(hdkey.Path{Type: hdkey.P2WPKH, Chain: hdkey.Receive})
	if err != nil {
		return nil, err
	}
	defer first.Zero()
	return key.FromBytes(first.Serialize())
}
