package clarity

import (
	"fmt"
	"strings"
)

// program is a contract with two public functions: work does ops operations, and idle, which answers at once, shows what a
// call costs by itself.
type program struct {
	name   string
	source string
	ops    int    // operations of a call of work
	unit   string // what an operation is
	beside string // another contract, deployed before as "beside"
}

// loop is a contract that runs step, a private function of an element and of what the last step answered, times*100 times
// from start on.
func loop(times int, definitions, step, start, answer string) string {
	return fmt.Sprintf(`%s
(define-private (step (i uint) (acc %s)) %s)
(define-private (hundred (i uint) (acc %[2]s)) (fold step (list %[4]s) acc))
(define-public (work) (let ((acc (fold hundred (list %[5]s) %[6]s))) (ok %[7]s)))
(define-public (idle) (ok true))
`, definitions, answerType(start), step, numbers(100), numbers(times), start, answer)
}

// answerType is the type of what a loop carries along, by what it starts with.
func answerType(start string) string {
	switch {
	case strings.HasPrefix(start, "u"):
		return "uint"
	case strings.HasPrefix(start, "0x"):
		return "(buff 32)"
	case strings.HasPrefix(start, `"`):
		return "(string-ascii 100)"
	case strings.HasPrefix(start, "{"):
		return "{n: uint, sum: uint, last: bool}"
	case strings.HasPrefix(start, "("):
		return "(list 100 uint)"
	default:
		return "bool"
	}
}

// numbers are n unsigned integers, from u0 on.
func numbers(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, " u%d", i)
	}
	return b.String()
}

// programs are what is measured. A call stays below the limit of reads and writes of a block, 15,000 each.
var programs = []program{
	{
		name: "arithmetic", unit: "step of a linear congruential generator", ops: 10_000,
		source: loop(100, "", "(mod (+ (* acc u1103515245) u12345) u2147483648)", "u42", "acc"),
	},
	{
		name: "conditions", unit: "step of the Collatz sequence", ops: 10_000,
		source: loop(100, "", "(if (is-eq acc u1) u27 (if (is-eq (mod acc u2) u0) (/ acc u2) (+ (* acc u3) u1)))", "u27", "acc"),
	},
	{
		name: "calls", unit: "call of a private function of the same contract", ops: 10_000,
		source: loop(100, "(define-private (next (a uint) (b uint)) (+ a b))", "(next acc i)", "u0", "acc"),
	},
	{
		name: "sha256", unit: "hash of 32 bytes", ops: 10_000,
		source: loop(100, "", "(sha256 acc)", "0x"+strings.Repeat("00", 32), "acc"),
	},
	{
		name: "map-set", unit: "write of an entry", ops: 5_000,
		source: loop(50, "(define-map balances uint uint)", "(begin (map-set balances (+ acc i) acc) (+ acc u1))", "u0", "acc"),
	},
	{
		name: "map-get", unit: "read of an entry", ops: 5_000,
		source: loop(50, `(define-map balances uint uint)
(define-private (fill (i uint) (done bool)) (map-set balances i (* i i)))
(fold fill (list`+numbers(100)+`) true)`, "(+ acc (default-to u0 (map-get? balances i)))", "u0", "acc"),
	},
	{
		name: "var-set", unit: "read and write of a variable", ops: 5_000,
		source: loop(50, "(define-data-var counter uint u0)", "(and acc (var-set counter (+ (var-get counter) i)))", "true", "(var-get counter)"),
	},
	{
		name: "tuples", unit: "merge of a tuple of three", ops: 10_000,
		source: loop(100, "", "(merge acc {n: (+ (get n acc) u1), last: (is-eq i u99)})", "{n: u0, sum: u0, last: false}", "(get n acc)"),
	},
	{
		name: "lists", unit: "append to a list of up to 100", ops: 10_000,
		source: loop(100, "", "(default-to (list i) (as-max-len? (append acc i) u100))", "(list u0)", "(len acc)"),
	},
	{
		name: "strings", unit: "concatenation to a string of up to 100", ops: 10_000,
		source: loop(100, "", `(default-to "" (as-max-len? (concat acc "x") u100))`, `""`, "(len acc)"),
	},
	{
		name: "contract-call", unit: "call of another contract", ops: 1_000,
		source: loop(10, "", "(unwrap-panic (contract-call? .beside add acc i))", "u0", "acc"),
		beside: "(define-public (add (a uint) (b uint)) (ok (+ a b)))\n(define-read-only (unused) u0)\n",
	},
	{
		name: "transfer", unit: "transfer of a fungible token, with its checks and its event", ops: 1_000,
		source: loop(10, `(define-fungible-token coin)
(ft-mint? coin u1000000000000 tx-sender)
(define-private (transfer (amount uint) (from principal) (to principal))
  (begin
    (asserts! (is-eq from tx-sender) (err u4))
    (try! (ft-transfer? coin amount from to))
    (print {action: "transfer", amount: amount, to: to})
    (ok true)))`, "(if (is-ok (transfer (+ i u1) tx-sender 'ST2CY5V39NHDPWSXMW9QDT3HC3GD6Q6XX4CFRK9AG)) (+ acc u1) acc)", "u0", "acc"),
	},
}

// large is a contract of at least so many bytes.
func large(bytes int) string {
	var b strings.Builder
	b.WriteString("(define-map accounts principal {balance: uint, nonce: uint})\n(define-data-var total uint u0)\n")
	for i := 0; b.Len() < bytes; i++ {
		fmt.Fprintf(&b, `(define-public (deposit-%d (amount uint) (memo (optional (buff 34))))
  (let ((account (default-to {balance: u0, nonce: u0} (map-get? accounts tx-sender)))
        (after (+ (get balance account) amount)))
    (asserts! (> amount u%[1]d) (err u1))
    (map-set accounts tx-sender (merge account {balance: after, nonce: (+ (get nonce account) u1)}))
    (var-set total (+ (var-get total) amount))
    (print {event: "deposit-%[1]d", who: tx-sender, memo: memo})
    (match memo m (ok (+ after (len m))) (ok after))))
`, i)
	}
	return b.String()
}
