package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/ledger/consensus"
	ledgernode "funai/ledger/node"
	"funai/ledger/rpc"
	"funai/ledger/wallet/hd"
	"funai/ledger/wallet/hdkey"
	"funai/ledger/wallet/vault"
)

func (a *app) walletHDCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "hd", Short: "The ledger wallet of a person: many addresses from 12 or 24 words", Args: cobra.NoArgs,
		Long: `The ledger wallet of a person: as many addresses as you like, all restored from 12 or 24 words, in a file encrypted
with a passphrase. It lives in a ledger node (funai ledger run), and holds ledger FAI only. The other commands of funai
wallet are about the one key of an inference node (funai node, funai up), which has an address on each layer.

Make one with create, write the words down, start the node, and you are ready. Its addresses are those of BIP-84 (P2WPKH)
and, with --taproot, BIP-86 (P2TR), at coin type 1 on the test networks and 4001 on main, which is registered for nobody.`,
		Example: `  funai wallet hd create
  funai ledger run --network dev
  funai wallet hd address
  funai wallet hd send faid1q... 1.5`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.hdCreateCommand(), a.hdRestoreCommand(), a.hdAddressCommand(), a.hdBalanceCommand(), a.hdHistoryCommand(),
		a.hdSendCommand(), a.hdBumpCommand(), a.hdAbandonCommand(), a.hdPSBTCommand(), a.hdBackupCommand(), a.hdRescanCommand(),
		a.hdPassphraseCommand(), a.hdInfoCommand())
	return cmd
}

// hdPlace says where a new wallet is to be.
type hdPlace struct {
	network, dir string
	pass         passphrase
	seedPhrase   string // file
	json         bool
}

func (p *hdPlace) flags(cmd *cobra.Command) {
	ledgerNetworkFlag(cmd, &p.network)
	f := cmd.Flags()
	f.StringVar(&p.dir, "dir", "", "data `directory` of the ledger node (default the network's name in $FUNAI_DIR or ~/.funai)")
	p.pass.flags(cmd)
	f.BoolVar(&p.pass.none, "no-passphrase", false, "do not encrypt: whoever can read the file has the coins")
	f.StringVar(&p.seedPhrase, "seed-passphrase-file", "", "`file` with BIP-39's optional passphrase, which is part of the words' secret (default none)")
	jsonFlag(cmd, &p.json, "print one JSON object")
}

// read finds the network and the folder, in which there must be no wallet yet.
func (p *hdPlace) read(a *app) (net *consensus.Params, dataDir, dir string, err error) {
	if net, err = ledgerNetwork(p.network); err != nil {
		return nil, "", "", err
	}
	if dataDir, err = a.dataDir(p.dir, net.Name); err != nil {
		return nil, "", "", err
	}
	dir = filepath.Join(dataDir, ledgernode.WalletDir)
	if hd.Exists(dir) {
		return nil, "", "", &hinted{fmt.Errorf("there is a wallet already: %s", dir),
			"it may hold coins, so it is never overwritten; move the folder away, or give another --dir"}
	}
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return nil, "", "", &hinted{fmt.Errorf("%s is a file, where the wallet's folder would be", dir),
			"it is what an inference node (funai node) has read of the chain: give the ledger node a directory of its own with --dir"}
	}
	return net, dataDir, dir, nil
}

// made is a new wallet.
type made struct {
	Network string `json:"network"`
	Dir     string `json:"dir"`
	Words   string `json:"words,omitempty"`
	Address string `json:"address,omitempty"` // the first one
	Loaded  bool   `json:"loaded"`            // by the running node
}

func (a *app) hdCreateCommand() *cobra.Command {
	var p hdPlace
	n := 12
	cmd := &cobra.Command{
		Use: "create", Short: "Make a wallet, and show its words once", Args: cobra.NoArgs,
		Long: `Make a wallet, and show its words once. The words are the wallet: they restore every address and coin, now and later,
without the file and without the passphrase. The passphrase protects the file. A node that is running loads the wallet
at once; one that is started later does so by itself.`,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			net, dataDir, dir, err := p.read(a)
			if err != nil {
				return err
			}
			words, err := hdkey.NewWords(rand.Reader, n)
			if err != nil {
				return usage("--words %d is not 12 or 24", n)
			}
			o := hd.NewOptions{Words: words, Birthday: time.Now()}
			if err := a.makeWallet(ctx, &p, net, dir, o); err != nil {
				return err
			}
			if !p.json {
				a.showWords(words) // before anything else can take time or fail
			}
			m := made{Network: net.Name, Dir: dir, Words: words, Loaded: a.loadWallet(ctx, p, dataDir)}
			if p.json {
				return a.out.JSON(m)
			}
			a.showMade(m, p.where())
			return nil
		}),
	}
	p.flags(cmd)
	cmd.Flags().IntVar(&n, "words", n, "`number` of words: 12 or 24")
	return cmd
}

// makeWallet asks for what protects the wallet and writes it.
func (a *app) makeWallet(ctx context.Context, p *hdPlace, net *consensus.Params, dir string, o hd.NewOptions) (err error) {
	if p.seedPhrase != "" {
		if o.SeedPhrase, err = readSecret(p.seedPhrase); err != nil {
			return err
		}
	}
	if o.Plain = p.pass.none; !o.Plain {
		if o.Passphrase, err = a.newPassphrase(ctx, &p.pass); err != nil {
			return err
		}
	}
	return hdError(hd.Create(dir, net, o))
}

// loadWallet has the node that runs from the data directory, if one does, open the wallet.
func (a *app) loadWallet(ctx context.Context, p hdPlace, dataDir string) bool {
	c, err := a.ledgerClient(ledgerTarget{network: p.network, dir: dataDir})
	if err != nil {
		return false
	}
	return c.Call(ctx, "loadwallet", nil) == nil
}

func (a *app) showWords(words string) {
	const columns = 4
	a.out.Println(a.out.Paint(cli.Bold, "Write these words down, in this order, on paper:") + "\n")
	list := strings.Fields(words)
	for i := 0; i < len(list); i += columns {
		var line strings.Builder
		for j := i; j < min(i+columns, len(list)); j++ {
			fmt.Fprintf(&line, "  %2d %-12s", j+1, list[j])
		}
		a.out.Println(strings.TrimRight(line.String(), " "))
	}
	a.out.Println("\n" + a.out.Paint(cli.Dim, "They are shown this once. Whoever has them has the coins; without them a lost file is lost money."))
	a.out.Println("")
}

// showMade tells of a new wallet; where are the flags that other commands need to find it.
func (a *app) showMade(m made, where string) {
	a.out.Field("wallet", m.Dir)
	a.out.Field("network", m.Network)
	if m.Loaded {
		a.out.Println("\nThe running node has it. `funai wallet hd address" + where + "` gives an address to be paid at.")
	} else {
		a.out.Println("\n`funai ledger run" + where + "` starts a node with it; then `funai wallet hd address" + where + "` gives an address.")
	}
}

// where are the flags that name the same place to other commands.
func (p *hdPlace) where() string { return ledgerFlags(p.network, p.dir) }

func (a *app) hdRestoreCommand() *cobra.Command {
	var p hdPlace
	var from, wordsFile, birthday string
	var gap uint32
	cmd := &cobra.Command{
		Use: "restore", Short: "Make a wallet of its words, or of a backup", Args: cobra.NoArgs,
		Long: `Make a wallet of its words, or of a backup. The words are asked for, or come on standard input or from --words-file.
The node then reads the chain for the wallet's coins: all of it, or from --birthday on. A wallet of a backup keeps the
backup's passphrase, labels and birthday.`,
		Example: `  funai wallet hd restore --birthday 2026-01-31
  funai wallet hd restore --from wallet-backup`,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			net, dataDir, dir, err := p.read(a)
			if err != nil {
				return err
			}
			if from != "" {
				err = hdError(hd.RestoreFile(dir, from, net))
			} else {
				err = a.restoreWords(ctx, &p, net, dir, wordsFile, birthday, gap)
			}
			if err != nil {
				return err
			}
			m := made{Network: net.Name, Dir: dir, Loaded: a.loadWallet(ctx, p, dataDir)}
			if p.json {
				return a.out.JSON(m)
			}
			a.showMade(m, p.where())
			return nil
		}),
	}
	p.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&from, "from", "", "backup `file` to restore, in place of words")
	f.StringVar(&wordsFile, "words-file", "", "`file` with the words (default they are asked for)")
	f.StringVar(&birthday, "birthday", "", "`date` before which the wallet had no coins, such as 2026-01-31 (default read the whole chain)")
	f.Uint32Var(&gap, "gap", hd.DefaultGap, "`number` of unused addresses in a row after which no more are looked for")
	cmd.MarkFlagsMutuallyExclusive("from", "words-file")
	cmd.MarkFlagsMutuallyExclusive("from", "no-passphrase")
	return cmd
}

func (a *app) restoreWords(ctx context.Context, p *hdPlace, net *consensus.Params, dir, wordsFile, birthday string, gap uint32) (err error) {
	o := hd.NewOptions{Gap: gap}
	if birthday != "" {
		if o.Birthday, err = time.Parse(time.DateOnly, birthday); err != nil {
			return usage("--birthday %q is not a date such as 2026-01-31", birthday)
		}
	}
	if gap < 1 || gap > vault.MaxGap {
		return usage("--gap %d is not within 1 to %d", gap, vault.MaxGap)
	}
	if o.Words, err = a.askWords(ctx, wordsFile); err != nil {
		return err
	}
	return a.makeWallet(ctx, p, net, dir, o)
}

// hdError adds what to do about an error of a wallet, from its package or over RPC.
func hdError(err error) error {
	var e *rpc.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, hdkey.ErrWords):
		return &hinted{err, "compare them with what you wrote down; each is in BIP-39's English list"}
	case errors.Is(err, vault.ErrFile), errors.Is(err, vault.ErrVersion):
		return &hinted{err, "give a file that `funai wallet hd backup` wrote, or restore from the words"}
	case errors.Is(err, hd.ErrNetwork):
		return &hinted{err, "--network says which network it is of"}
	case errors.As(err, &e):
		return rpcHint(e)
	}
	return ledgerError(err)
}

// rpcHint words an error of the node's wallet for a person.
func rpcHint(e *rpc.Error) error {
	todo := map[int]string{
		rpc.CodeWalletNotFound:       "`funai wallet hd create` makes one, and `funai wallet hd restore` brings one back",
		rpc.CodePassphraseIncorrect:  "try again; if it is forgotten, `funai wallet hd restore` brings the wallet back from its words",
		rpc.CodeInsufficientFunds:    "`funai wallet hd balance` shows what there is",
		rpc.CodeWrongEncryptionState: "`funai wallet hd info` tells whether it has a passphrase",
		rpc.CodeMethodNotFound:       "that node has no wallet of this kind; start a ledger node with `funai ledger run`",
	}[e.Code]
	err := errors.New(strings.TrimPrefix(e.Message, "Error: "))
	switch {
	case e.Code == rpc.CodeWalletNotFound:
		err = errors.New("that node has no wallet")
	case strings.Contains(e.Message, hd.ErrMaxFee.Error()), strings.Contains(e.Message, hd.ErrFeeRate.Error()):
		todo = "--fee-rate counts base units (1e-8 FAI) per virtual byte"
	case strings.Contains(e.Message, hd.ErrPruned.Error()):
		todo = "the node has pruned them: start one without --prune in an empty directory, or restore the wallet with a later --birthday"
	case strings.Contains(e.Message, hd.ErrOutput.Error()):
		todo = ""
	}
	if todo == "" {
		return err
	}
	return &hinted{err, todo}
}

// saveNew writes a file that must not be there yet.
func saveNew(path string, content []byte) error {
	f, err := os.OpenFile(filepath.Clean(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return &hinted{fmt.Errorf("%s is there already", path), "give the name of a new file"}
	}
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}
