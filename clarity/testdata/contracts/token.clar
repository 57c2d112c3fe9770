;; A fungible token (SIP-010) whose minter may make tokens up to a cap.
;;
;; The minter may hand the right on in two steps, so that it can't be lost to a mistyped address, or give it up for good.
;; Codes 1 to 3 are those of ft-transfer?: too few tokens, sender is recipient, amount is zero.

(impl-trait .ft-trait.ft-trait)

(define-constant ERR-NOT-HOLDER (err u101))
(define-constant ERR-NOT-MINTER (err u102))
(define-constant ERR-OVER-CAP (err u103))
(define-constant ERR-NOT-NAMED (err u104))

(define-constant CAP u1000000000000)

(define-fungible-token coin CAP)

;; None once minting was given up.
(define-data-var minter (optional principal) (some contract-caller))
(define-data-var named (optional principal) none)

;; --- SIP-010 ---

;; Only the holder moves tokens. tx-sender is who signed, or a contract that acts for itself with as-contract?; what others
;; may do in the signer's name, the transaction's post-conditions bound.
(define-public (transfer
    (amount uint)
    (sender principal)
    (recipient principal)
    (memo (optional (buff 34))))
  (begin
    (asserts! (is-eq sender tx-sender) ERR-NOT-HOLDER)
    (try! (ft-transfer? coin amount sender recipient))
    (match memo text (print text) 0x)
    (ok true)))

(define-read-only (get-name)
  (ok "Sample token"))

(define-read-only (get-symbol)
  (ok "SMPL"))

(define-read-only (get-decimals)
  (ok u6))

(define-read-only (get-balance (who principal))
  (ok (ft-get-balance coin who)))

(define-read-only (get-total-supply)
  (ok (ft-get-supply coin)))

(define-read-only (get-token-uri)
  (ok none))

;; --- Supply ---

(define-public (mint (amount uint) (recipient principal))
  (begin
    (asserts! (is-minter contract-caller) ERR-NOT-MINTER)
    ;; ft-mint? itself would abort the whole transaction at the cap; an answer is kinder.
    (asserts! (<= amount (- CAP (ft-get-supply coin))) ERR-OVER-CAP)
    (try! (ft-mint? coin amount recipient))
    (print {event: "mint", amount: amount, recipient: recipient})
    (ok true)))

;; Everybody may destroy their own tokens.
(define-public (burn (amount uint))
  (begin
    (try! (ft-burn? coin amount contract-caller))
    (print {event: "burn", amount: amount, holder: contract-caller})
    (ok true)))

;; --- The minter ---

(define-read-only (get-minter)
  (var-get minter))

(define-read-only (is-minter (who principal))
  (is-eq (some who) (var-get minter)))

;; Names the next minter, who takes over with accept-minting.
(define-public (name-minter (next principal))
  (begin
    (asserts! (is-minter contract-caller) ERR-NOT-MINTER)
    (var-set named (some next))
    (ok true)))

(define-public (accept-minting)
  (begin
    (asserts! (is-eq (some contract-caller) (var-get named)) ERR-NOT-NAMED)
    (var-set minter (var-get named))
    (var-set named none)
    (print {event: "minter", who: (var-get minter)})
    (ok true)))

;; Nobody can make tokens from then on.
(define-public (end-minting)
  (begin
    (asserts! (is-minter contract-caller) ERR-NOT-MINTER)
    (var-set minter none)
    (var-set named none)
    (print {event: "minter", who: (var-get minter)})
    (ok true)))
