;; SIP-009: what every non-fungible token answers.
(define-trait nft-trait
  ( ;; The newest token's id; tokens are numbered from 1.
   (get-last-token-id () (response uint uint))
   ;; Where to read about a token.
   (get-token-uri (uint) (response (optional (string-ascii 256)) uint))
   ;; Who has a token; none if nobody has.
   (get-owner (uint) (response (optional principal) uint))
   ;; Moves a token: id, sender, recipient.
   (transfer (uint principal principal) (response bool uint))))
