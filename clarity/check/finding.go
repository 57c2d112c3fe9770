package check

import "funai/clarity/syntax"

// Finding returns the diagnostic as people are shown it.
func (d *Diagnostic) Finding(file string) syntax.Finding {
	return syntax.Finding{File: file, Code: string(d.Code), Span: d.Span, Message: d.Message, Advice: d.Advice}
}
