;; A proposal for .dao: it pays a grant out of the treasury. Everything it will do stands here for voters to read.

(impl-trait .proposal-trait.proposal-trait)

(define-constant ERR-NOT-DAO (err u301))

(define-constant RECIPIENT 'ST2CY5V39NHDPWSXMW9QDT3HC3GD6Q6XX4CFRK9AG)
(define-constant AMOUNT u500)

(define-public (execute)
  (begin
    (asserts! (is-eq contract-caller .dao) ERR-NOT-DAO)
    (stx-transfer? AMOUNT contract-caller RECIPIENT)))
