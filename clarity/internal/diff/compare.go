package diff

import (
	"encoding/hex"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"funai/clarity/types"
	"funai/clarity/value"
)

// Difference is the first step in which two answers to a program differ.
type Difference struct {
	Step string // "deploy 0", "call 3"
	What string // what differs, and for errors and successes the classes of both: alike in all programs with one cause
	Want Step   // of the reference
	Got  Step
}

func (d *Difference) Error() string {
	return fmt.Sprintf("%s: %s\nreference %v\nhere      %v", d.Step, d.What, d.Want, d.Got)
}

// Compare finds the first difference between what the reference answered and what this implementation did. Answers are
// held to one another in value, events, class of error, and in costs up to the epoch 3.4.
func Compare(p *Program, want, got *Answer) *Difference {
	epoch, err := types.ParseEpoch(p.Epoch)
	costs := err == nil && epoch <= types.Epoch34
	if got.Panic != "" {
		return &Difference{Step: "all", What: "panic here: " + got.Panic}
	}
	parts := []struct {
		name      string
		want, got []Step
	}{{"deploy", want.Deploys, got.Deploys}, {"call", want.Calls, got.Calls}}
	for _, part := range parts {
		for i, w := range part.want {
			if i >= len(part.got) {
				return &Difference{Step: part.name, What: "a step is missing"}
			}
			g := part.got[i]
			if what := differs(w, g, costs); what != "" {
				return &Difference{fmt.Sprintf("%s %d", part.name, i), part.name + " " + what, w, g}
			}
		}
	}
	return nil
}

func differs(want, got Step, costs bool) string {
	switch {
	case strings.HasSuffix(want.Error, " is not a public function"):
		return "" // the tool around the reference refuses a transaction that calls a read-only function; a chain does not
	case (want.Error == "") != (got.Error == ""):
		return fmt.Sprintf("success: want %q, got %q", want.class, got.class)
	case !alike(want, got):
		return fmt.Sprintf("error: want %q, got %q", want.class, got.class)
	case want.Error != "":
		return ""
	case want.Hex != got.Hex:
		return "value"
	case !reflect.DeepEqual(want.Events, got.Events):
		return "events"
	case costs && !slices.Equal(want.Cost, got.Cost):
		return "cost"
	}
	return ""
}

// alike says whether two errors are of one class, or of two that mean the same.
func alike(want, got Step) bool {
	switch {
	case want.class == got.class:
		return true
	case got.class == "syntax": // the reference reads on after a fault, and may say something of what it found then
		return strings.HasPrefix(want.class, "check ") || strings.HasPrefix(want.class, "unknown ")
	case got.class == "check name-already-used" || got.class == "check name-reserved": // found there when it is run
		return strings.HasPrefix(want.class, "run ")
	}
	return false
}

func (s Step) String() string {
	if s.Error != "" {
		return s.Error
	}
	text := s.Hex
	if raw, err := hex.DecodeString(s.Hex); err == nil {
		if v, err := value.Decode(raw); err == nil {
			text = v.String()
		}
	}
	for _, e := range s.Events {
		text += fmt.Sprint(" ", e.Event, e.Data)
	}
	return fmt.Sprint(text, " ", s.Cost)
}
