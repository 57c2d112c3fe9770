package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/model/catalogue"
)

func (a *app) modelCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "model", Short: "List, download, show and remove models", Args: cobra.NoArgs,
		Long: "Models are kept in $FUNAI_CACHE, or the user's cache directory, and checked against the hashes in the catalogue.",
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.modelListCommand(), a.modelPullCommand(), a.modelShowCommand(), a.modelRemoveCommand())
	return cmd
}

// listed is a model of the catalogue, or one of the hub that is here, with --json.
type listed struct {
	Name        string `json:"name"`
	Description string `json:"description,omitempty"`
	Size        int64  `json:"size"`            // bytes on disk
	Fetch       int64  `json:"fetch,omitempty"` // bytes to download
	Hash        string `json:"hash"`
	Context     int    `json:"context,omitempty"`
	License     string `json:"license,omitempty"`
	Path        string `json:"path,omitempty"` // if it is here
}

func (a *app) modelListCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "ls", Aliases: []string{"list"}, Short: "List the catalogue and what is here", Args: cobra.NoArgs,
		RunE: a.does(func(ctx context.Context, _ []string) error {
			f, err := catalogue.New(catalogue.Options{})
			if err != nil {
				return err
			}
			t := cli.NewTable("name", ">size", ">context", "license", "here", "")
			for _, m := range catalogue.List() {
				path, here := f.Cached(ctx, m.Name)
				if asJSON {
					l := listed{m.Name, m.Description, m.Size, m.Fetch(), fmt.Sprintf("%x", m.Hash), m.Context, m.License, ""}
					if here {
						l.Path = path
					}
					if err := a.out.JSON(l); err != nil {
						return err
					}
					continue
				}
				mark := cli.Cell{Text: "no", Style: cli.Dim}
				if here {
					mark = cli.Cell{Text: "yes", Style: cli.Green}
				}
				t.Row(m.Name, cli.Bytes(m.Size), cli.Count(m.Context), m.License, mark, m.Description)
			}
			stored, err := f.Stored()
			if err != nil {
				return err
			}
			for _, s := range stored {
				if !asJSON {
					t.Row(s.Name, cli.Bytes(s.Size), "", "", cli.Cell{Text: "yes", Style: cli.Green}, "")
					continue
				}
				if err := a.out.JSON(listed{Name: s.Name, Size: s.Size, Hash: fmt.Sprintf("%x", s.Hash), Path: s.Path}); err != nil {
					return err
				}
			}
			if !asJSON {
				t.Print(a.out)
			}
			return nil
		}),
	}
	jsonFlag(cmd, &asJSON, "print one JSON object a line")
	return cmd
}

// pulled is the last event of a pull.
type pulled struct {
	Event string `json:"event"` // "model"
	Model string `json:"model"`
	Path  string `json:"path"`
	Bytes int64  `json:"bytes"`
}

func (a *app) modelPullCommand() *cobra.Command {
	var asJSON, verbose bool
	cmd := &cobra.Command{
		Use: "pull MODEL...", Short: "Download models, or continue to",
		Long: "Download models: names of the catalogue, or hf:owner/repo:file on Hugging Face. What an earlier try left is continued.",
		RunE: a.does(func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usage("no model is named; `funai model ls` lists the catalogue")
			}
			a.events = asJSON
			o := catalogue.Options{}
			if verbose {
				o.Logger = slog.New(slog.NewTextHandler(a.err, nil))
			}
			f, err := catalogue.New(o)
			if err != nil {
				return err
			}
			for _, name := range args {
				if err := a.pull(ctx, f, name, asJSON); err != nil {
					return err
				}
			}
			return nil
		}),
		ValidArgsFunction: catalogueNames,
	}
	cmd.Flags().BoolVar(&verbose, "verbose", false, "show on stderr which sources are tried")
	jsonFlag(cmd, &asJSON, "print one JSON event a line")
	return cmd
}

func (a *app) pull(ctx context.Context, f *catalogue.Fetcher, name string, asJSON bool) error {
	r := newReporter(a.out, serving{json: asJSON}, true)
	path, err := f.Ensure(ctx, name, func(asset string, done, total int64) {
		r.emit(event{Event: eventDownload, Asset: asset, Done: done, Total: total})
	})
	r.end()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if asJSON {
		return a.out.JSON(pulled{"model", name, path, info.Size()})
	}
	a.out.Printf("%s %s, %s\n  %s\n", a.out.Paint(cli.Green, "✓"), name, cli.Bytes(info.Size()), a.out.Paint(cli.Dim, path))
	return nil
}
