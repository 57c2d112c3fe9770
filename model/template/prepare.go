package template

import (
	"regexp"
	"strings"
)

// toJSONFilter finds the filter of that name.
var toJSONFilter = regexp.MustCompile(`\|\s*tojson\b`)

// prepare does to a template what transformers sets Jinja up for and the library can't: blocks and comments take the white space
// before them on their line (lstrip_blocks) and the line break after them (trim_blocks), a template's last line break doesn't
// count, and every line break is a single one. Minus and plus signs at a tag's ends keep their meaning.
func prepare(source string) string {
	source = strings.TrimSuffix(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source), "\n")
	var out strings.Builder
	fresh := true // what comes stands at the start of a line
	for source != "" {
		at, closer := firstTag(source)
		if at < 0 {
			break
		}
		text, rest := source[:at], source[at:]
		end := tagEnd(rest, closer)
		tag := rest[:end]
		source = rest[end:]
		block := closer != "}}"
		if block && !strings.HasPrefix(tag[2:], "-") && !strings.HasPrefix(tag[2:], "+") {
			text = stripLine(text, fresh)
		}
		keep := strings.HasSuffix(tag, "+"+closer)
		fresh = false
		if block && !keep {
			source, fresh = strings.CutPrefix(source, "\n")
		}
		if strings.HasPrefix(tag[2:], "+") {
			tag = tag[:2] + tag[3:]
		}
		if keep {
			tag = strings.TrimSuffix(tag, "+"+closer) + closer
		}
		if closer != "#}" {
			tag = toJSONFilter.ReplaceAllString(tag, "| "+jsonFilter)
		}
		out.WriteString(text + tag)
	}
	return out.String() + source
}

// firstTag is where the next tag begins, and what closes it; -1 if there is none.
func firstTag(s string) (int, string) {
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '{' {
			continue
		}
		switch s[i+1] {
		case '{':
			return i, "}}"
		case '%':
			return i, "%}"
		case '#':
			return i, "#}"
		}
	}
	return -1, ""
}

// tagEnd is where a tag that begins s ends; a closer inside quotes doesn't count, but in comments there are no quotes.
func tagEnd(s, closer string) int {
	for i := 2; i < len(s); i++ {
		if strings.HasPrefix(s[i:], closer) {
			return i + 2
		}
		if c := s[i]; closer != "#}" && (c == '\'' || c == '"') {
			for i++; i < len(s) && s[i] != c; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		}
	}
	return len(s)
}

// stripLine takes the white space at the end of a text if nothing else stands before it on its line.
func stripLine(text string, fresh bool) string {
	trimmed := strings.TrimRight(text, " \t")
	if strings.HasSuffix(trimmed, "\n") || trimmed == "" && fresh {
		return trimmed
	}
	return text
}
