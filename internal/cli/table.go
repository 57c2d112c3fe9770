package cli

import (
	"strings"
	"unicode/utf8"
)

// Cell is one cell of a table.
type Cell struct {
	Text  string
	Style Style
}

// align is how a column's cells stand: by their beginning, their end, or their decimal point.
type align byte

// Table lines up rows in columns.
type Table struct {
	head  []string
	align []align
	rows  [][]Cell
}

// NewTable takes the columns' names; one that begins with ">" is aligned to the right, with "." by the decimal point.
func NewTable(columns ...string) *Table {
	t := &Table{}
	for _, c := range columns {
		how := align('<')
		if c != "" && (c[0] == '>' || c[0] == '.') {
			how, c = align(c[0]), c[1:]
		}
		t.head, t.align = append(t.head, c), append(t.align, how)
	}
	return t
}

// Row adds a row of plain texts and Cells, no more than there are columns.
func (t *Table) Row(cells ...any) {
	row := make([]Cell, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case Cell:
			row[i] = c
		case string:
			row[i] = Cell{Text: c}
		}
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows.
func (t *Table) Len() int { return len(t.rows) }

// Print prints the table under its head, indented by two, without columns in which no row says anything.
func (t *Table) Print(s *Screen) {
	cols := t.columns()
	head := make([]Cell, len(t.head))
	for i, name := range t.head {
		head[i] = Cell{name, Dim}
		n := utf8.RuneCountInString(name)
		switch c := &cols[i]; {
		case c.left+c.right == 0:
		case t.align[i] == '<':
			c.right = max(c.right, n)
		default:
			c.left = max(c.left, n-c.right)
		}
	}
	s.Println("  " + t.line(s, head, cols, true))
	for _, row := range t.rows {
		s.Println("  " + t.line(s, row, cols, false))
	}
}

// Lines returns the rows without a head, to be printed elsewhere on s.
func (t *Table) Lines(s *Screen) []string {
	cols, lines := t.columns(), make([]string, len(t.rows))
	for i, row := range t.rows {
		lines[i] = t.line(s, row, cols, false)
	}
	return lines
}

// column is how much room its cells need left of where they are aligned, and right of it.
type column struct{ left, right int }

// split measures a text for a column.
func (a align) split(text string) column {
	n := utf8.RuneCountInString(text)
	switch a {
	case '>':
		return column{left: n}
	case '.':
		if i := strings.IndexByte(text, '.'); i >= 0 {
			return column{utf8.RuneCountInString(text[:i]), n - utf8.RuneCountInString(text[:i])}
		}
		return column{left: n}
	default:
		return column{right: n}
	}
}

func (t *Table) columns() []column {
	cols := make([]column, len(t.head))
	for _, row := range t.rows {
		for i, c := range row {
			w := t.align[i].split(c.Text)
			cols[i] = column{max(cols[i].left, w.left), max(cols[i].right, w.right)}
		}
	}
	return cols
}

// line renders a row. The head of a column aligned by decimal points stands at the right.
func (t *Table) line(s *Screen, row []Cell, cols []column, head bool) string {
	var b strings.Builder
	gap := 0 // spaces owed before the next text, so that no line ends in any
	for i, c := range row {
		col := cols[i]
		if col.left+col.right == 0 {
			continue
		}
		w := t.align[i].split(c.Text)
		if head && t.align[i] == '.' {
			w.left, w.right = utf8.RuneCountInString(c.Text)-col.right, col.right
		}
		if c.Text != "" {
			b.WriteString(strings.Repeat(" ", gap+col.left-w.left) + s.Paint(c.Style, c.Text))
			gap = col.right - w.right
		} else {
			gap += col.left + col.right
		}
		gap += 2
	}
	return b.String()
}
