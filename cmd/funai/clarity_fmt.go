package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"funai/clarity/syntax"
	"funai/internal/atomicfile"
	"funai/internal/cli"
)

func (a *app) clarityFmtCommand() *cobra.Command {
	var write, list bool
	cmd := &cobra.Command{
		Use: "fmt [FILE...]", Short: "Lay contracts out in the canonical way",
		Long: `Lay contracts out in the canonical way, and print them. Without files it reads standard input. Formatting changes layout
alone: the program and its comments stay.`,
		Example:           "  funai clarity fmt -w *.clar",
		ValidArgsFunction: cobra.FixedCompletions([]string{"clar"}, cobra.ShellCompDirectiveFilterFileExt),
		RunE: a.does(func(_ context.Context, files []string) error {
			if len(files) == 0 {
				if write || list {
					return usage("-w and -l need files")
				}
				files = []string{"-"}
			}
			faulty := 0
			for _, file := range files {
				ok, err := a.format(file, write, list)
				if err != nil {
					return err
				}
				if !ok {
					faulty++
				}
			}
			if faulty > 0 {
				return fmt.Errorf("%s not formatted", cli.Plural(faulty, "file"))
			}
			return nil
		}),
	}
	f := cmd.Flags()
	f.BoolVarP(&write, "write", "w", false, "write the files instead of printing them")
	f.BoolVarP(&list, "list", "l", false, "print the names of files whose layout is another instead")
	return cmd
}

// format formats one file; ok is false if it was shown not to parse.
func (a *app) format(file string, write, list bool) (ok bool, err error) {
	src, err := a.readSource(file)
	if err != nil {
		return false, err
	}
	out, err := syntax.Format(src.text)
	if err != nil {
		f, is := syntax.FindingOf(src.file, err)
		if !is {
			return false, err
		}
		a.err.Printf("%s", f.Print(src.text, paintFinding(a.err)))
		return false, nil
	}
	if list && out != src.text {
		a.out.Println(src.file)
	}
	switch {
	case write && out != src.text:
		return true, replaceFile(file, out)
	case !write && !list:
		a.out.Printf("%s", out)
	}
	return true, nil
}

// replaceFile writes a file anew in one step, with the permissions that it had.
func replaceFile(file, text string) error {
	if file == "-" {
		return usage("-w can't write standard input")
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if err := atomicfile.Write(file, []byte(text)); err != nil {
		return err
	}
	return os.Chmod(file, info.Mode().Perm())
}
