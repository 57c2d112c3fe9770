;; SIP-010: what every fungible token answers.
(define-trait ft-trait
  ( ;; Moves tokens: amount, sender, recipient, and a memo that is printed.
   (transfer (uint principal principal (optional (buff 34))) (response bool uint))
   (get-name () (response (string-ascii 32) uint))
   (get-symbol () (response (string-ascii 32) uint))
   ;; How many digits of an amount a wallet shows after the point.
   (get-decimals () (response uint uint))
   (get-balance (principal) (response uint uint))
   (get-total-supply () (response uint uint))
   (get-token-uri () (response (optional (string-utf8 256)) uint))))
