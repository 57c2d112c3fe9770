;; SIP-010 like token
(impl-trait .sip-010.sip-010-trait)

(define-fungible-token coin u1000000)
(define-constant err-owner (err u100)) ;; not the owner
(define-constant owner tx-sender)
(define-data-var uri (optional (string-utf8 256)) none)
(define-map allowances {owner: principal, spender: principal} uint)

(define-public (transfer
    (amount uint)
    (sender principal)
    (recipient principal)
    (memo (optional (buff 34))))
  (begin
    (asserts! (is-eq tx-sender sender) err-owner) ;; who

    (try! (ft-transfer? coin amount sender recipient))
    (match memo to-print (print to-print) 0x)
    (ok true)))

(define-read-only (get-name)
  (ok "Coin"))

(define-read-only (get-balance (who principal))
  (ok (ft-get-balance coin who)))

(define-trait ft
  ((transfer (uint principal principal (optional (buff 34))) (response bool uint))
   (get-name () (response (string-ascii 32) uint))))

(define-private (swap (x uint) (y uint) (token-a <ft>) (token-b <ft>))
  (let ((a (+ x y)) ;; sum
        (b (* x y))
        ;; both
        (order {
          maker: tx-sender,
          taker: contract-caller,
          amount: (+ x y),
          price: (/ (* x u1000000) y),
          expires: (+ stacks-block-height u144)
        }))
    (if (> a b)
      (begin
        (print order)
        (contract-call? token-a transfer a tx-sender (as-contract tx-sender) none))
      (err u1))))

(define-private (many)
  (list u1
        u2
        u3
        u4
        u5
        u6
        u7
        u8
        u9
        u10
        u11
        u12
        u13
        u14
        u15
        u16
        u17
        u18
        u19
        u20
        u21
        u22
        u23
        u24
        u25
        u26
        u27))

(define-constant t
  {
    a: 1, ;; first
    b: 2, ;; second
    c: {
      ;;inner
      d: 4
    }
    ;; end
  })

( ;; odd
 list ;; odder
  1
  ;; oddest
)
;; last
