;; A vault that pays when m of its n owners say so.
;;
;; An owner proposes a payment, of the chain's coin or of a SIP-010 token; others approve it, or take their approval back;
;; any owner executes it once there are enough, before it expires. Owners are fixed when the vault is set up.
;; Tokens come in by plain transfer to this contract, and so do coins, or by fund.

(use-trait ft .ft-trait.ft-trait)

(define-constant ERR-NOT-DEPLOYER (err u101))
(define-constant ERR-SET-UP (err u102))
(define-constant ERR-BAD-THRESHOLD (err u103))
(define-constant ERR-OWNER-TWICE (err u104))
(define-constant ERR-NOT-OWNER (err u105))
(define-constant ERR-NO-PROPOSAL (err u106))
(define-constant ERR-EXPIRED (err u107))
(define-constant ERR-EXECUTED (err u108))
(define-constant ERR-APPROVED (err u109))
(define-constant ERR-NOT-APPROVED (err u110))
(define-constant ERR-TOO-FEW-APPROVALS (err u111))
(define-constant ERR-WRONG-TOKEN (err u112))
(define-constant ERR-NO-AMOUNT (err u113))
(define-constant ERR-TAKEN-TOO-MUCH (err u114))

(define-constant DEPLOYER contract-caller)

;; Blocks of the ledger in which a proposal can be executed.
(define-constant LIFETIME u144)

(define-data-var threshold uint u0)
(define-data-var last-id uint u0)

(define-map owners principal bool)

(define-map proposals
  uint
  {
    amount: uint,
    to: principal,
    token: (optional principal), ;; none for the chain's coin
    expires: uint, ;; the first height of the ledger at which it is too late
    approvals: uint,
    executed: bool
  })

(define-map approvals {id: uint, owner: principal} bool)

;; --- Reading ---

(define-read-only (is-owner (who principal))
  (default-to false (map-get? owners who)))

(define-read-only (get-threshold)
  (var-get threshold))

(define-read-only (get-proposal (id uint))
  (map-get? proposals id))

(define-read-only (has-approved (id uint) (owner principal))
  (is-some (map-get? approvals {id: id, owner: owner})))

;; --- Set up ---

;; Names the owners and how many of them it takes; only the deployer, once.
(define-public (set-up (members (list 10 principal)) (needed uint))
  (begin
    (asserts! (is-eq contract-caller DEPLOYER) ERR-NOT-DEPLOYER)
    (asserts! (is-eq (var-get threshold) u0) ERR-SET-UP)
    (asserts! (and (> needed u0) (<= needed (len members))) ERR-BAD-THRESHOLD)
    (try! (fold add-owner members (ok true)))
    (var-set threshold needed)
    (print {event: "set-up", owners: members, threshold: needed})
    (ok true)))

(define-private (add-owner (who principal) (so-far (response bool uint)))
  (begin
    (try! so-far)
    (asserts! (map-insert owners who true) ERR-OWNER-TWICE)
    (ok true)))

;; Anybody may put coins in.
(define-public (fund (amount uint))
  (begin
    (try! (stx-transfer? amount contract-caller current-contract))
    (print {event: "fund", from: contract-caller, amount: amount})
    (ok true)))

;; --- Proposals ---

;; Proposes a payment, which the proposer thereby approves; answers its id.
(define-public (propose (amount uint) (to principal) (token (optional principal)))
  (let ((id (+ (var-get last-id) u1)))
    (asserts! (is-owner contract-caller) ERR-NOT-OWNER)
    (asserts! (> amount u0) ERR-NO-AMOUNT)
    (var-set last-id id)
    (map-set proposals
      id
      {
        amount: amount,
        to: to,
        token: token,
        expires: (+ burn-block-height LIFETIME),
        approvals: u0,
        executed: false
      })
    (print {event: "propose", id: id, amount: amount, to: to, token: token})
    (try! (approve id))
    (ok id)))

;; Answers the proposal if it can still be changed by the caller.
(define-private (pending (id uint))
  (let ((p (unwrap! (map-get? proposals id) ERR-NO-PROPOSAL)))
    (asserts! (is-owner contract-caller) ERR-NOT-OWNER)
    (asserts! (not (get executed p)) ERR-EXECUTED)
    (asserts! (< burn-block-height (get expires p)) ERR-EXPIRED)
    (ok p)))

;; Approves a proposal; answers how many have.
(define-public (approve (id uint))
  (let ((p (try! (pending id))) (n (+ (get approvals p) u1)))
    (asserts! (map-insert approvals {id: id, owner: contract-caller} true) ERR-APPROVED)
    (map-set proposals id (merge p {approvals: n}))
    (print {event: "approve", id: id, owner: contract-caller, approvals: n})
    (ok n)))

;; Takes an approval back.
(define-public (revoke (id uint))
  (let ((p (try! (pending id))))
    (asserts! (map-delete approvals {id: id, owner: contract-caller}) ERR-NOT-APPROVED)
    (map-set proposals id (merge p {approvals: (- (get approvals p) u1)}))
    (print {event: "revoke", id: id, owner: contract-caller})
    (ok true)))

;; --- Payment ---

;; Marks a proposal as executed and answers it. It is marked before anything is paid: whatever is called then can't come
;; back for more.
(define-private (take (id uint) (token (optional principal)))
  (let ((p (try! (pending id))))
    (asserts! (is-eq token (get token p)) ERR-WRONG-TOKEN)
    (asserts! (>= (get approvals p) (var-get threshold)) ERR-TOO-FEW-APPROVALS)
    (map-set proposals id (merge p {executed: true}))
    (print {event: "execute", id: id})
    (ok p)))

;; Pays a proposal of the chain's coin.
(define-public (execute (id uint))
  (let ((p (try! (take id none))) (amount (get amount p)) (to (get to p)))
    (ok (unwrap! (as-contract? ((with-stx amount))
                   (try! (stx-transfer? amount current-contract to)))
          ERR-TAKEN-TOO-MUCH))))

;; Pays a proposal of a token, which must be the one that the proposal names.
(define-public (execute-token (id uint) (token <ft>))
  (let ((p (try! (take id (some (contract-of token))))) (amount (get amount p)) (to (get to p)))
    (ok (unwrap! (as-contract? ((with-ft (contract-of token) "*" amount))
                   (try! (contract-call? token transfer amount current-contract to none)))
          ERR-TAKEN-TOO-MUCH))))
