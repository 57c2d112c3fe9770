;; Tokens of this chain sold for coins of the ledger below it, or, for no tokens, a bill that is marked as paid.
;;
;; The seller opens an invoice: so many coins to a script on the ledger, so many tokens of .token, held here meanwhile, to a
;; buyer. The buyer pays on the ledger, in a transaction that also says what it pays for: an output OP_RETURN <tag>, the tag
;; being the invoice's own. Anybody then shows this contract the transaction and the tokens are released. Without the tag
;; others could pass a buyer's payment off as theirs; and an output that paid one invoice pays no other.
;;
;; There are two ways to show a transaction: by its place in a block, read from the ledger with get-ledger-tx? (first 32
;; outputs, scripts up to 128 bytes), or as bytes with a proof that the block contains them (verify-ledger-tx?).

(define-constant ERR-NO-INVOICE (err u101))
(define-constant ERR-NOT-SELLER (err u102))
(define-constant ERR-CLOSED (err u103))
(define-constant ERR-TOO-LATE (err u104))
(define-constant ERR-TOO-EARLY (err u105))
(define-constant ERR-UNCONFIRMED (err u106))
(define-constant ERR-OLD-PAYMENT (err u107))
(define-constant ERR-NO-TRANSACTION (err u108))
(define-constant ERR-NO-OUTPUT (err u109))
(define-constant ERR-WRONG-SCRIPT (err u110))
(define-constant ERR-TOO-LITTLE (err u111))
(define-constant ERR-NO-TAG (err u112))
(define-constant ERR-USED (err u113))
(define-constant ERR-BAD-INVOICE (err u114))
(define-constant ERR-BAD-PROOF (err u115))
(define-constant ERR-TAKEN-TOO-MUCH (err u116))

;; Blocks of the ledger on top of a payment's before it counts.
(define-constant CONFIRMATIONS u6)

;; OP_RETURN, and a push of 32 bytes.
(define-constant TAG-PREFIX 0x6a20)

;; States of an invoice.
(define-constant OPEN "open")
(define-constant PAID "paid")
(define-constant CANCELLED "cancelled")

(define-data-var last-id uint u0)

(define-map invoices
  uint
  {
    seller: principal,
    buyer: principal,
    script: (buff 127), ;; get-ledger-tx? cuts off at 128, so a longer one can't be told from one that begins alike
    coins: uint, ;; in the ledger's smallest unit
    tokens: uint,
    opened: uint, ;; height of the ledger: only later payments count
    expires: uint, ;; the first height at which the seller may cancel
    state: (string-ascii 9)
  })

;; Outputs of ledger transactions that have paid, each for one invoice.
(define-map used {txid: (buff 32), output: uint} uint)

;; --- Reading ---

(define-read-only (get-invoice (id uint))
  (map-get? invoices id))

;; The 32 bytes that a payment's OP_RETURN has to carry: no other invoice, here or in another contract, has the same.
(define-read-only (get-tag (id uint))
  (sha256 (unwrap-panic (to-consensus-buff? {contract: current-contract, invoice: id}))))

(define-read-only (paid-by (txid (buff 32)) (output uint))
  (map-get? used {txid: txid, output: output}))

;; --- The seller ---

;; Opens an invoice, taking the tokens in; answers its id.
(define-public (open
    (buyer principal)
    (script (buff 127))
    (coins uint)
    (tokens uint)
    (expires uint))
  (let ((seller contract-caller) (id (+ (var-get last-id) u1)))
    (asserts! (and (> coins u0) (> (len script) u0)) ERR-BAD-INVOICE)
    (asserts! (> expires burn-block-height) ERR-TOO-LATE)
    (and (> tokens u0) (try! (contract-call? .token transfer tokens seller current-contract none)))
    (var-set last-id id)
    (map-set invoices
      id
      {
        seller: seller,
        buyer: buyer,
        script: script,
        coins: coins,
        tokens: tokens,
        opened: burn-block-height,
        expires: expires,
        state: OPEN
      })
    (print {
      event: "open",
      id: id,
      buyer: buyer,
      script: script,
      coins: coins,
      tokens: tokens,
      tag: (get-tag id)
    })
    (ok id)))

;; The seller takes the tokens of an unpaid invoice back. A buyer must pay early enough for it to be confirmed and shown
;; before the invoice expires.
(define-public (cancel (id uint))
  (let ((invoice (try! (open-invoice id))))
    (asserts! (is-eq contract-caller (get seller invoice)) ERR-NOT-SELLER)
    (asserts! (>= burn-block-height (get expires invoice)) ERR-TOO-EARLY)
    (map-set invoices id (merge invoice {state: CANCELLED}))
    (try! (release (get tokens invoice) (get seller invoice)))
    (print {event: "cancel", id: id})
    (ok true)))

;; --- The payment ---

;; Shows a payment by its place: height of the block, index of the transaction in it, and of the output that pays.
(define-public (settle (id uint) (height uint) (index uint) (output uint))
  (let ((invoice (try! (open-invoice id)))
        (confirmed (try! (is-confirmed (get opened invoice) height)))
        (tx (unwrap! (get-ledger-tx? height index) ERR-NO-TRANSACTION))
        (payment (unwrap! (element-at? (get outputs tx) output) ERR-NO-OUTPUT))
        (tag {script: (concat TAG-PREFIX (get-tag id)), value: u0}))
    (asserts! (is-some (index-of? (get outputs tx) tag)) ERR-NO-TAG)
    (pay-out id (get txid tx) output (get script payment) (get value payment))))

;; Shows a payment by its bytes and the hashes beside the way to the block's Merkle root. The tag's output is named too.
(define-public (settle-with-proof
    (id uint)
    (height uint)
    (raw (buff 4096))
    (siblings (list 20 (buff 32)))
    (index uint)
    (output uint)
    (tag-output uint))
  (let ((invoice (try! (open-invoice id)))
        (confirmed (try! (is-confirmed (get opened invoice) height)))
        (proved (unwrap! (verify-ledger-tx? height raw siblings index) ERR-NO-TRANSACTION))
        (payment (unwrap! (get-bitcoin-tx-output? raw output) ERR-NO-OUTPUT))
        (tag (unwrap! (get-bitcoin-tx-output? raw tag-output) ERR-NO-TAG)))
    (asserts! proved ERR-BAD-PROOF)
    (asserts! (is-eq (get script tag) (concat TAG-PREFIX (get-tag id))) ERR-NO-TAG)
    (pay-out id (get txid payment) output (get script payment) (get amount payment))))

;; --- Checks ---

(define-private (open-invoice (id uint))
  (let ((invoice (unwrap! (map-get? invoices id) ERR-NO-INVOICE)))
    (asserts! (is-eq (get state invoice) OPEN) ERR-CLOSED)
    (ok invoice)))

(define-private (is-confirmed (opened uint) (height uint))
  (begin
    (asserts! (> height opened) ERR-OLD-PAYMENT)
    (asserts! (>= burn-block-height (+ height CONFIRMATIONS)) ERR-UNCONFIRMED)
    (ok true)))

;; Holds an output to the invoice; then marks that as paid by it, and gives the buyer the tokens.
(define-private (pay-out (id uint) (txid (buff 32)) (output uint) (script (buff 1024)) (coins uint))
  (let ((invoice (try! (open-invoice id))))
    (asserts! (is-eq script (get script invoice)) ERR-WRONG-SCRIPT)
    (asserts! (>= coins (get coins invoice)) ERR-TOO-LITTLE)
    (asserts! (map-insert used {txid: txid, output: output} id) ERR-USED)
    (map-set invoices id (merge invoice {state: PAID}))
    (try! (release (get tokens invoice) (get buyer invoice)))
    (print {event: "paid", id: id, txid: txid, output: output})
    (ok true)))

(define-private (release (tokens uint) (to principal))
  (if (> tokens u0)
    (ok (unwrap! (as-contract? ((with-ft .token "coin" tokens))
                   (try! (contract-call? .token transfer tokens current-contract to none)))
          ERR-TAKEN-TOO-MUCH))
    (ok true)))
