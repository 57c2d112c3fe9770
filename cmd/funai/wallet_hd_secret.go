package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"funai/ledger/rpc"
)

// passphraseEnv is where a wallet's passphrase may stand.
const passphraseEnv = "FUNAI_PASSPHRASE"

// passphrase says where the wallet's passphrase comes from: a file, the environment, or the person at the terminal.
type passphrase struct {
	file string
	none bool
}

func (p *passphrase) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&p.file, "passphrase-file", "", "`file` with the wallet's passphrase (default $"+passphraseEnv+", or it is asked for)")
}

// given is the passphrase if nobody has to be asked for it.
func (a *app) given(p *passphrase) (string, bool, error) {
	if p.file != "" {
		s, err := readSecret(p.file)
		return s, err == nil, err
	}
	s := a.getenv(passphraseEnv)
	return s, s != "", nil
}

// readSecret reads a file of one line; what surrounds the line is not part of it.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxSmall+1))
	if err != nil {
		return "", err
	}
	s := strings.TrimRight(string(b), "\r\n")
	if s == "" || len(b) > maxSmall || strings.ContainsAny(s, "\r\n") {
		return "", fmt.Errorf("%s does not hold one line of at most %d bytes", path, maxSmall)
	}
	return s, nil
}

// askPassphrase is the wallet's passphrase.
func (a *app) askPassphrase(ctx context.Context, p *passphrase, prompt string) (string, error) {
	s, ok, err := a.given(p)
	if ok || err != nil {
		return s, err
	}
	return a.hidden(ctx, prompt)
}

// newPassphrase is a passphrase to be, asked for twice.
func (a *app) newPassphrase(ctx context.Context, p *passphrase) (string, error) {
	s, ok, err := a.given(p)
	if ok || err != nil {
		return s, err
	}
	if s, err = a.hidden(ctx, "New passphrase of the wallet: "); err != nil {
		return "", err
	}
	again, err := a.hidden(ctx, "The same again: ")
	if err != nil {
		return "", err
	}
	switch {
	case s == "":
		return "", usage("the passphrase is empty; --no-passphrase leaves the wallet open to whoever can read the file")
	case s != again:
		return "", usage("the two are not the same")
	}
	return s, nil
}

// hidden asks for a line that does not show.
func (a *app) hidden(ctx context.Context, prompt string) (string, error) {
	f, ok := a.in.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return "", usage("there is no terminal to ask for the passphrase on: give --passphrase-file or $%s", passphraseEnv)
	}
	before, err := term.GetState(int(f.Fd()))
	if err != nil {
		return "", err
	}
	type line struct {
		text []byte
		err  error
	}
	read := make(chan line, 1)
	a.err.Printf("%s", prompt)
	go func() {
		b, err := term.ReadPassword(int(f.Fd()))
		read <- line{b, err}
	}()
	select {
	case l := <-read:
		a.err.Println("")
		if errors.Is(l.err, io.EOF) {
			l.err = errInterrupted
		}
		return string(l.text), l.err
	case <-ctx.Done(): // the process ends; its terminal must show what is typed again
		a.err.Println("")
		return "", errors.Join(context.Cause(ctx), term.Restore(int(f.Fd()), before))
	}
}

// maxWordsText bounds what is read of words, in bytes.
const maxWordsText = 1 << 12

// askWords reads recovery words from a file, from standard input, or from the person.
func (a *app) askWords(ctx context.Context, path string) (string, error) {
	if path != "" {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxWordsText)) // on however many lines
		return string(b), err
	}
	if isTerminal(a.in) {
		a.err.Println("The words, with spaces between them:")
		return newLines(a).read(ctx)
	}
	b, err := io.ReadAll(io.LimitReader(a.in, maxWordsText))
	return string(b), err
}

// unlocked does something that takes the private keys: if the wallet is locked, it is unlocked for it and locked again.
func (a *app) unlocked(ctx context.Context, c *rpc.Client, p *passphrase, do func() error) (err error) {
	const seconds = 60
	var info struct {
		Until *int64 `json:"unlocked_until"`
	}
	if err := c.Call(ctx, "getwalletinfo", &info); err != nil {
		return hdError(err)
	}
	if info.Until == nil || *info.Until > 0 {
		return do()
	}
	pass, err := a.askPassphrase(ctx, p, "Passphrase of the wallet: ")
	if err != nil {
		return err
	}
	if err := c.Call(ctx, "walletpassphrase", nil, pass, seconds); err != nil {
		return hdError(err)
	}
	defer func() {
		err = errors.Join(err, hdError(c.Call(context.WithoutCancel(ctx), "walletlock", nil)))
	}()
	return do()
}
