package main

import (
	"context"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build says what this binary was made from.
type build struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Modified bool   `json:"modified,omitempty"` // with changes that no revision holds
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func thisBuild() build {
	b := build{Version: "devel", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		b.Version = v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (a *app) versionCommand() *cobra.Command {
	asJSON := false
	cmd := &cobra.Command{
		Use: "version", Short: "Say what this binary was made from", Args: cobra.NoArgs,
		RunE: a.does(func(context.Context, []string) error {
			b := thisBuild()
			if asJSON {
				return a.out.JSON(b)
			}
			a.out.Printf("funai %s", b.Version)
			if b.Revision != "" {
				a.out.Printf(" (%.12s", b.Revision)
				if b.Modified {
					a.out.Printf(", changed")
				}
				a.out.Printf(")")
			}
			a.out.Printf(" %s %s\n", b.Go, b.Platform)
			return nil
		}),
	}
	jsonFlag(cmd, &asJSON, "print one JSON object")
	return cmd
}

func jsonFlag(cmd *cobra.Command, to *bool, what string) {
	cmd.Flags().BoolVar(to, "json", false, what)
}
