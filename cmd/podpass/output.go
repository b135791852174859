package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"
)

// format is the value of -o; the zero value is a table.
type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
)

func (f *format) String() string {
	if *f == "" {
		return string(formatTable)
	}
	return string(*f)
}

func (f *format) Type() string { return "table|json" }

func (f *format) Set(text string) error {
	switch format(text) {
	case formatTable, formatJSON:
		*f = format(text)
		return nil
	}
	return fmt.Errorf("must be table or json, not %q", text)
}

func outputFlag(cmd *cobra.Command, f *format) {
	cmd.Flags().VarP(f, "output", "o", "`format`: table or json")
	oneOf(cmd, "output", string(formatTable), string(formatJSON))
}

// oneOf makes the shell complete a flag with the values it takes. The only error is that cmd has no such flag, which its tests would show.
func oneOf(cmd *cobra.Command, flag string, values ...string) {
	_ = cmd.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
}

// print writes value as indented JSON, or rows below a heading as a table.
func (f format) print(w io.Writer, value any, heading []string, rows [][]string) error {
	if f == formatJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		return enc.Encode(value)
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	if heading != nil {
		fmt.Fprintln(tw, strings.Join(heading, "\t"))
	}
	for _, row := range rows {
		fmt.Fprintln(tw, strings.Join(row, "\t"))
	}
	return tw.Flush()
}

// terminal reports whether a stream is a terminal.
func terminal(stream any) bool {
	f, ok := stream.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// readAllCapped reads at most limit bytes and refuses more.
func readAllCapped(r io.Reader, name string, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(b)) > limit {
		err = fmt.Errorf("%s is larger than %d bytes", name, limit)
	}
	return b, err
}
