;; A collection of non-fungible tokens (SIP-009) with fixed size: whoever deployed it gives them out.
;;
;; Codes 1 to 3 are those of nft-transfer?: not the owner's, sender is recipient, no such token.

(impl-trait .nft-trait.nft-trait)

(define-constant ERR-NOT-OWNER (err u101))
(define-constant ERR-NOT-ISSUER (err u102))
(define-constant ERR-ALL-ISSUED (err u103))

(define-constant ISSUER contract-caller)
(define-constant SIZE u3)

(define-non-fungible-token badge uint)

(define-data-var last-id uint u0)

;; --- SIP-009 ---

(define-public (transfer (id uint) (sender principal) (recipient principal))
  (begin
    (asserts! (is-eq sender tx-sender) ERR-NOT-OWNER)
    (nft-transfer? badge id sender recipient)))

(define-read-only (get-last-token-id)
  (ok (var-get last-id)))

(define-read-only (get-owner (id uint))
  (ok (nft-get-owner? badge id)))

;; One address for each token that exists: https://badges.example/ and its number.
(define-read-only (get-token-uri (id uint))
  (ok (if (is-some (nft-get-owner? badge id))
        (some (concat "https://badges.example/" (int-to-ascii id)))
        none)))

;; --- Issue ---

;; Gives out the next token and answers its id.
(define-public (issue (recipient principal))
  (let ((id (+ (var-get last-id) u1)))
    (asserts! (is-eq contract-caller ISSUER) ERR-NOT-ISSUER)
    (asserts! (<= id SIZE) ERR-ALL-ISSUED)
    (try! (nft-mint? badge id recipient))
    (var-set last-id id)
    (print {event: "issue", id: id, recipient: recipient})
    (ok id)))

;; The owner may destroy a token; its id isn't given out again.
(define-public (destroy (id uint))
  (begin
    (asserts! (is-eq (some contract-caller) (nft-get-owner? badge id)) ERR-NOT-OWNER)
    (try! (nft-burn? badge id contract-caller))
    (print {event: "destroy", id: id})
    (ok true)))
