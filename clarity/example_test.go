package clarity_test

import (
	"fmt"

	"funai/clarity/session"
	"funai/clarity/value"
)

func Example() {
	s := session.New(session.Options{})
	_, err := s.Deploy("counter", `
		(define-data-var n uint u0)
		(define-public (add (by uint)) (begin (var-set n (+ (var-get n) by)) (ok (var-get n))))`, 0)
	if err != nil {
		fmt.Println(err)
	}
	id, _ := s.Contract("counter")
	for _, by := range []uint64{40, 2} {
		r, err := s.Call(id, "add", value.UInt64(by))
		fmt.Println(r.Value, err)
	}
	// Output:
	// (ok u40) <nil>
	// (ok u42) <nil>
}
