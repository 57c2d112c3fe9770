package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"funai/internal/cli"
	"funai/model/catalogue"
)

// shown is a model with --json.
type shown struct {
	Name         string         `json:"name"`
	Description  string         `json:"description,omitempty"`
	License      string         `json:"license,omitempty"`
	Path         string         `json:"path,omitempty"` // if it is here
	Size         int64          `json:"size,omitempty"`
	Hash         string         `json:"hash,omitempty"`
	Architecture string         `json:"architecture,omitempty"`
	Parameters   uint64         `json:"parameters,omitempty"`
	Context      int            `json:"context,omitempty"`
	Types        map[string]int `json:"types,omitempty"` // tensors of each type
	Template     bool           `json:"template"`        // the file has a chat template
}

func show(d catalogue.Details) shown {
	s := shown{Name: d.Name, Path: d.Path, Size: d.Size}
	if d.Hash != ([32]byte{}) {
		s.Hash = fmt.Sprintf("%x", d.Hash)
	}
	if m := d.Model; m != nil {
		s.Description, s.License, s.Context = m.Description, m.License, m.Context
	}
	if h := d.Header; h != nil {
		s.Architecture, s.Parameters, s.Types = h.Architecture(), h.Parameters, h.Types
		s.Context = int(h.Number("context_length"))
		s.Template = h.Text["tokenizer.chat_template"] != ""
		if s.License == "" {
			s.License = h.Text["general.license"]
		}
		if s.Description == "" {
			s.Description = h.Text["general.name"]
		}
	}
	return s
}

func (a *app) modelShowCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "show MODEL", Short: "Show what is known of a model",
		Long: "Show what is known of a model: a name of the catalogue, hf:owner/repo:file, or a path. A file that is here is read and hashed; nothing is downloaded.",
		RunE: a.does(func(ctx context.Context, args []string) error {
			if len(args) != 1 {
				return usage("name one model; `funai model ls` lists the catalogue")
			}
			f, err := catalogue.New(catalogue.Options{})
			if err != nil {
				return err
			}
			d, err := f.Show(ctx, args[0])
			if err != nil {
				return err
			}
			s := show(d)
			if asJSON {
				return a.out.JSON(s)
			}
			a.printModel(s)
			return nil
		}),
		ValidArgsFunction: catalogueNames,
	}
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

func (a *app) printModel(s shown) {
	field := func(name, value string) {
		if value != "" {
			a.out.Field(name, cli.Clean(value))
		}
	}
	field("model", s.Name)
	field("about", s.Description)
	field("license", s.License)
	if s.Size > 0 {
		field("size", cli.Bytes(s.Size))
	}
	field("hash", s.Hash)
	field("architecture", s.Architecture)
	if s.Parameters > 0 {
		field("parameters", cli.Count(int(s.Parameters)))
		field("template", map[bool]string{true: "yes", false: "none"}[s.Template])
	}
	if s.Context > 0 {
		field("context", cli.Count(s.Context))
	}
	var types []string
	for _, t := range slices.Sorted(maps.Keys(s.Types)) {
		types = append(types, fmt.Sprintf("%d × %s", s.Types[t], t))
	}
	field("tensors", strings.Join(types, ", "))
	if s.Path == "" {
		field("here", "no; `funai model pull "+s.Name+"` fetches it")
		return
	}
	field("here", s.Path)
}

// removed is a model that was removed, with --json.
type removed struct {
	Event string `json:"event"` // "removed"
	Model string `json:"model"`
	Bytes int64  `json:"bytes"` // of disk that came free
}

func (a *app) modelRemoveCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "rm MODEL...", Aliases: []string{"remove"}, Short: "Remove models from the cache",
		Long: "Remove models from the cache: names of the catalogue, or hf:owner/repo:file. Files of your own are not touched.",
		RunE: a.does(func(ctx context.Context, args []string) error {
			if len(args) == 0 {
				return usage("no model is named; `funai model ls` lists what is here")
			}
			a.events = asJSON
			f, err := catalogue.New(catalogue.Options{})
			if err != nil {
				return err
			}
			for _, name := range args {
				n, err := f.Remove(ctx, name)
				if err != nil {
					return err
				}
				if asJSON {
					if err := a.out.JSON(removed{"removed", name, n}); err != nil {
						return err
					}
					continue
				}
				a.out.Printf("%s %s, %s freed\n", a.out.Paint(cli.Green, "✓"), name, cli.Bytes(n))
			}
			return nil
		}),
		ValidArgsFunction: catalogueNames,
	}
	jsonFlag(cmd, &asJSON, "print one JSON event a line")
	return cmd
}
