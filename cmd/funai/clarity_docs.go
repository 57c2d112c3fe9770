package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"funai/clarity/reference"
	"funai/internal/cli"
)

func (a *app) clarityDocsCommand() *cobra.Command {
	return &cobra.Command{
		Use: "docs [WORD]", Short: "Say what a word of the language means", Args: cobra.MaximumNArgs(1),
		Long: `Say what a word of the language means, with an example. Of no word it says which there are; of a text that is no word,
which words have to do with it.`,
		Example: "  funai clarity docs contract-call?",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, e := range reference.All() {
				names = append(names, e.Name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: a.does(func(_ context.Context, args []string) error {
			if len(args) == 0 {
				a.listWords(reference.All())
				return nil
			}
			entries := reference.LookupAll(args[0])
			for i, e := range entries {
				if i > 0 {
					a.out.Println()
				}
				a.out.Printf("%s", e)
			}
			if len(entries) > 0 {
				return nil
			}
			found := reference.Find(args[0])
			if len(found) == 0 {
				return &hinted{fmt.Errorf("no word of Clarity has to do with %q", args[0]), "`funai clarity docs` lists the words"}
			}
			a.listWords(found)
			return nil
		}),
	}
}

// listWords prints words, each with the first sentence about it.
func (a *app) listWords(entries []reference.Entry) {
	t := cli.NewTable("word", "kind", "")
	for _, e := range entries {
		first, _, _ := strings.Cut(e.Text, ". ")
		t.Row(e.Name, string(e.Kind), strings.TrimSuffix(first, "."))
	}
	t.Print(a.out)
}
