package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"funai/clarity/syntax"
	"funai/clarity/types"
	"funai/internal/cli"
)

func (a *app) clarityCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "clarity", Short: "Write, check and try contracts",
		Long: `Write, check and try contracts in Clarity. Nothing here needs a node: contracts run on a chain in memory.`,
		Example: `  funai clarity repl
  funai clarity check token.clar
  funai clarity eval '(fold + (list u1 u2 u3) u0)'
  funai clarity docs contract-call?`,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(a.clarityCheckCommand(), a.clarityFmtCommand(), a.clarityDocsCommand(), a.clarityEvalCommand(),
		a.clarityReplCommand(), a.claritySessionCommand())
	return cmd
}

// clarityRules say which language a text is in.
type clarityRules struct {
	version int
	epoch   string
}

func (r *clarityRules) flags(cmd *cobra.Command) {
	cmd.Flags().IntVar(&r.version, "version", 0, fmt.Sprintf("`version` of the language, 1 to %d (default the newest of the epoch)", types.LatestVersion))
	r.epochFlag(cmd)
}

// epochFlag is the flag of commands that use the newest version of an epoch.
func (r *clarityRules) epochFlag(cmd *cobra.Command) {
	var names []string
	for _, e := range types.Epochs() {
		names = append(names, e.String())
	}
	cmd.Flags().StringVar(&r.epoch, "epoch", types.LatestEpoch.String(), "`epoch` whose rules hold: "+strings.Join(names, ", "))
	_ = cmd.RegisterFlagCompletionFunc("epoch", cobra.FixedCompletions(names, cobra.ShellCompDirectiveNoFileComp)) // the flag is there
}

func (r *clarityRules) parse() (types.Version, types.Epoch, error) {
	epoch, err := types.ParseEpoch(r.epoch)
	if err != nil {
		return 0, 0, usage("--epoch: %v", err)
	}
	newest := epoch.MaxVersion()
	if r.version == 0 {
		return newest, epoch, nil
	}
	if r.version < 1 || r.version > int(newest) {
		return 0, 0, usage("--version %d: epoch %v has versions 1 to %d", r.version, epoch, newest)
	}
	return types.Version(r.version), epoch, nil
}

// source is a text of a contract from a file.
type source struct {
	file, text string
}

// readSource reads a file, or standard input for "-".
func (a *app) readSource(file string) (source, error) {
	in := a.in
	if file == "-" {
		file = "stdin"
	} else {
		f, err := os.Open(file)
		if err != nil {
			return source{}, err
		}
		defer f.Close()
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, 2*syntax.MaxSource+1)) // CRLF line ends are formatted away
	switch {
	case err != nil:
		return source{}, err
	case len(b) > 2*syntax.MaxSource:
		return source{}, fmt.Errorf("%s is longer than %d bytes", file, syntax.MaxSource)
	}
	return source{file, string(b)}, nil
}

// jsonFinding is a finding as programs read it. Lines and columns count from 1; the end is the place after the last character.
type jsonFinding struct {
	File      string `json:"file"`
	Line      int    `json:"line"`
	Column    int    `json:"column"`
	EndLine   int    `json:"endLine"`
	EndColumn int    `json:"endColumn"`
	Code      string `json:"code"`
	Message   string `json:"message"`
	Advice    string `json:"advice,omitempty"`
}

// showFinding prints a fault of a text.
func (a *app) showFinding(f syntax.Finding, text string, asJSON bool) error {
	if asJSON {
		return a.out.JSON(jsonFinding{
			f.File, f.Span.Start.Line, f.Span.Start.Column, f.Span.End.Line, f.Span.End.Column, f.Code, f.Message, f.Advice,
		})
	}
	a.out.Printf("%s", f.Print(text, paintFinding(a.out)))
	return nil
}

// paintFinding colours the parts of a finding.
func paintFinding(s *cli.Screen) func(syntax.Part, string) string {
	return func(p syntax.Part, text string) string {
		switch p {
		case syntax.PartPlace:
			return s.Paint(cli.Bold, cli.Clean(text))
		case syntax.PartCaret:
			return s.Paint(cli.Red, text)
		case syntax.PartMargin:
			return s.Paint(cli.Dim, text)
		case syntax.PartAdvice:
			return s.Paint(cli.Cyan, cli.Clean(text))
		default:
			return cli.Clean(text)
		}
	}
}
