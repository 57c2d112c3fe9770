package diff

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"funai/clarity/check"
	"funai/clarity/session"
	"funai/clarity/syntax"
	"funai/clarity/vm"
)

// play runs a program on this implementation.
func play(p *Program) (a *Answer) {
	a = new(Answer)
	defer func() {
		if r := recover(); r != nil {
			a.Panic = fmt.Sprint(r)
		}
	}()
	r, err := session.Play(p.Script)
	if err != nil {
		a.Panic = err.Error()
		return a
	}
	for _, o := range r.Deploys {
		a.Deploys = append(a.Deploys, stepOf(o))
	}
	for _, o := range r.Calls {
		a.Calls = append(a.Calls, stepOf(o))
	}
	return a
}

func stepOf(o session.Outcome) Step {
	s := Step{Hex: o.Hex, class: ourClass(o.Err)}
	if o.Err != nil {
		s.Error = s.class + ": " + o.Error
		return s
	}
	if o.Costs != nil {
		c := o.Costs.Total
		s.Cost = []uint64{c.Runtime, c.ReadCount, c.ReadLength, c.WriteCount, c.WriteLength}
	}
	if raw, err := json.Marshal(o.Events); err == nil && len(o.Events) > 0 {
		if err := json.Unmarshal(raw, &s.Events); err != nil {
			s.Error = err.Error()
		}
		for _, e := range s.Events {
			delete(e.Data, "value")
		}
	}
	return s
}

// ourClass is the class of an error here: the kind of the error and the stable name of what is wrong.
func ourClass(err error) string {
	var (
		s *syntax.Error
		c *check.Diagnostic
		v *vm.RuntimeError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &s):
		return "syntax"
	case errors.As(err, &c):
		return "check " + string(c.Code)
	case errors.As(err, &v):
		return "run " + string(v.Fault)
	case errors.Is(err, session.ErrAccess), errors.Is(err, session.ErrNotFound):
		return "run Unchecked"
	default:
		return strings.TrimSpace("other " + err.Error())
	}
}
