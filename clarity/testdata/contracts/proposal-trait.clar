;; What a DAO can vote on: a contract that does something once it is called by the DAO.
(define-trait proposal-trait
  ((execute () (response bool uint))))
