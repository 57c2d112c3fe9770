;; A treasury of coins whose spending is voted on by those who lock up a token.
;;
;; A member deposits tokens of .token, which is their weight in votes. What has voted stays locked until that vote ends, so
;; no token votes twice on one proposal, in whoever's hands it is. A proposal is a contract (.proposal-trait) with a budget:
;; if it passes, anybody may have it executed as the DAO, and it can't take more coins than its budget, nor anything else.

(use-trait proposal .proposal-trait.proposal-trait)

(define-constant ERR-TOO-FEW-TOKENS (err u101))
(define-constant ERR-LOCKED (err u102))
(define-constant ERR-NO-PROPOSAL (err u103))
(define-constant ERR-PROPOSED (err u104))
(define-constant ERR-VOTED (err u105))
(define-constant ERR-ENDED (err u106))
(define-constant ERR-NOT-ENDED (err u107))
(define-constant ERR-EXECUTED (err u108))
(define-constant ERR-REJECTED (err u109))
(define-constant ERR-NO-QUORUM (err u110))
(define-constant ERR-WRONG-PROPOSAL (err u111))
(define-constant ERR-LAPSED (err u112))
(define-constant ERR-OVER-BUDGET (err u113))

;; Heights are the ledger's: they go on whatever this chain's blocks do.
(define-constant VOTING-PERIOD u144)
(define-constant EXECUTION-PERIOD u144)

;; Tokens that a proposer must have deposited.
(define-constant PROPOSAL-STAKE u1000)

;; Of all tokens there were when it was proposed, the part that must vote.
(define-constant QUORUM-PERCENT u20)

(define-data-var last-id uint u0)

(define-map deposits
  principal
  {
    amount: uint,
    locked-until: uint ;; a height of the ledger
  })

(define-map proposals
  uint
  {
    contract: principal,
    budget: uint, ;; coins that it may take
    supply: uint, ;; of tokens, when it was proposed
    ends: uint, ;; the first height of the ledger at which it is too late to vote
    in-favour: uint,
    against: uint,
    executed: bool
  })

;; One proposal a contract.
(define-map ids principal uint)

(define-map ballots {id: uint, voter: principal} {weight: uint, in-favour: bool})

;; --- Reading ---

(define-read-only (get-deposit (who principal))
  (default-to {amount: u0, locked-until: u0} (map-get? deposits who)))

(define-read-only (get-proposal (id uint))
  (map-get? proposals id))

(define-read-only (get-ballot (id uint) (voter principal))
  (map-get? ballots {id: id, voter: voter}))

;; --- The treasury ---

;; Anybody may put coins in.
(define-public (fund (amount uint))
  (begin
    (try! (stx-transfer? amount contract-caller current-contract))
    (print {event: "fund", from: contract-caller, amount: amount})
    (ok true)))

;; --- Deposits ---

(define-public (deposit (amount uint))
  (let ((member contract-caller) (old (get-deposit member)) (total (+ (get amount old) amount)))
    (try! (contract-call? .token transfer amount member current-contract none))
    (map-set deposits member (merge old {amount: total}))
    (print {event: "deposit", member: member, amount: amount, total: total})
    (ok total)))

(define-public (withdraw (amount uint))
  (let ((member contract-caller) (old (get-deposit member)))
    (asserts! (<= amount (get amount old)) ERR-TOO-FEW-TOKENS)
    (asserts! (>= burn-block-height (get locked-until old)) ERR-LOCKED)
    (map-set deposits member (merge old {amount: (- (get amount old) amount)}))
    (unwrap! (as-contract? ((with-ft .token "coin" amount))
               (try! (contract-call? .token transfer amount current-contract member none)))
      ERR-OVER-BUDGET)
    (print {event: "withdraw", member: member, amount: amount})
    (ok (- (get amount old) amount))))

;; --- Votes ---

;; Puts a contract to the vote, with the coins that it may take; answers the proposal's id.
(define-public (propose (what <proposal>) (budget uint))
  (let ((id (+ (var-get last-id) u1))
        (contract (contract-of what))
        (ends (+ burn-block-height VOTING-PERIOD)))
    (asserts! (>= (get amount (get-deposit contract-caller)) PROPOSAL-STAKE) ERR-TOO-FEW-TOKENS)
    (asserts! (map-insert ids contract id) ERR-PROPOSED)
    (var-set last-id id)
    (map-set proposals
      id
      {
        contract: contract,
        budget: budget,
        supply: (unwrap-panic (contract-call? .token get-total-supply)),
        ends: ends,
        in-favour: u0,
        against: u0,
        executed: false
      })
    (print {event: "propose", id: id, contract: contract, budget: budget, ends: ends})
    (ok id)))

;; Votes with all that the member has deposited, once, and locks it until the vote ends.
(define-public (vote (id uint) (in-favour bool))
  (let ((member contract-caller)
        (p (unwrap! (map-get? proposals id) ERR-NO-PROPOSAL))
        (own (get-deposit member))
        (weight (get amount own)))
    (asserts! (< burn-block-height (get ends p)) ERR-ENDED)
    (asserts! (> weight u0) ERR-TOO-FEW-TOKENS)
    (asserts! (map-insert ballots {id: id, voter: member} {weight: weight, in-favour: in-favour})
      ERR-VOTED)
    (map-set deposits
      member
      (merge own {locked-until: (later (get locked-until own) (get ends p))}))
    (map-set proposals
      id
      (if in-favour
        (merge p {in-favour: (+ (get in-favour p) weight)})
        (merge p {against: (+ (get against p) weight)})))
    (print {event: "vote", id: id, voter: member, weight: weight, in-favour: in-favour})
    (ok weight)))

(define-private (later (a uint) (b uint))
  (if (> a b) a b))

;; --- Execution ---

;; Executes a proposal that passed; anybody may ask for it. If its contract answers err, nothing has happened, and it can be
;; tried again until the time for it is over.
(define-public (conclude (id uint) (what <proposal>))
  (let ((p (unwrap! (map-get? proposals id) ERR-NO-PROPOSAL))
        (votes (+ (get in-favour p) (get against p))))
    (asserts! (is-eq (contract-of what) (get contract p)) ERR-WRONG-PROPOSAL)
    (asserts! (not (get executed p)) ERR-EXECUTED)
    (asserts! (>= burn-block-height (get ends p)) ERR-NOT-ENDED)
    (asserts! (< burn-block-height (+ (get ends p) EXECUTION-PERIOD)) ERR-LAPSED)
    (asserts! (>= (* votes u100) (* (get supply p) QUORUM-PERCENT)) ERR-NO-QUORUM)
    (asserts! (> (get in-favour p) (get against p)) ERR-REJECTED)
    (map-set proposals id (merge p {executed: true}))
    ;; Foreign code runs as the DAO here: try! passes its own error on, and the allowance holds it to the budget. With no
    ;; allowance for .token the members' deposits are out of its reach.
    (unwrap! (as-contract? ((with-stx (get budget p))) (try! (contract-call? what execute)))
      ERR-OVER-BUDGET)
    (print {event: "execute", id: id})
    (ok true)))
