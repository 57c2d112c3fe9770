;; Coins held between a buyer and a seller, with an arbiter whom both know from the start.
;;
;; The buyer pays in. Then the buyer releases the coins to the seller, or the seller gives them back; or either calls the
;; arbiter before the deadline, who splits them. Nothing can be stuck: after the deadline the buyer takes the coins back, and
;; if an arbiter who was called says nothing, the coins are halved.

(define-constant ERR-NO-DEAL (err u101))
(define-constant ERR-NOT-BUYER (err u102))
(define-constant ERR-NOT-SELLER (err u103))
(define-constant ERR-NOT-ARBITER (err u104))
(define-constant ERR-NOT-PARTY (err u105))
(define-constant ERR-WRONG-STATE (err u106))
(define-constant ERR-TOO-EARLY (err u107))
(define-constant ERR-TOO-LATE (err u108))
(define-constant ERR-SAME-PARTY (err u109))
(define-constant ERR-TOO-MUCH (err u110))

;; States of a deal.
(define-constant OPEN "open")
(define-constant DISPUTED "disputed")
(define-constant CLOSED "closed")

;; Blocks of the ledger that the arbiter has.
(define-constant ARBITRATION u1008)

(define-data-var last-id uint u0)

(define-map deals
  uint
  {
    buyer: principal,
    seller: principal,
    arbiter: principal,
    amount: uint,
    deadline: uint, ;; a height of the ledger: the arbiter's, once called
    state: (string-ascii 8)
  })

(define-read-only (get-deal (id uint))
  (map-get? deals id))

;; Pays coins in; answers the deal's id. Codes 1 and 3 are those of stx-transfer?: too few coins, amount is zero.
(define-public (open (seller principal) (arbiter principal) (amount uint) (deadline uint))
  (let ((buyer contract-caller) (id (+ (var-get last-id) u1)))
    (asserts! (> deadline burn-block-height) ERR-TOO-LATE)
    (asserts! (not (or (is-eq buyer seller) (is-eq buyer arbiter) (is-eq seller arbiter)))
      ERR-SAME-PARTY)
    (try! (stx-transfer? amount buyer current-contract))
    (var-set last-id id)
    (map-set deals
      id
      {
        buyer: buyer,
        seller: seller,
        arbiter: arbiter,
        amount: amount,
        deadline: deadline,
        state: OPEN
      })
    (print {event: "open", id: id, buyer: buyer, seller: seller, arbiter: arbiter, amount: amount})
    (ok id)))

;; The deal, if it is in a state.
(define-private (deal-in (id uint) (state (string-ascii 8)))
  (let ((deal (unwrap! (map-get? deals id) ERR-NO-DEAL)))
    (asserts! (is-eq (get state deal) state) ERR-WRONG-STATE)
    (ok deal)))

;; The buyer is content: the seller gets the coins.
(define-public (release (id uint))
  (let ((deal (try! (deal-in id OPEN))))
    (asserts! (is-eq contract-caller (get buyer deal)) ERR-NOT-BUYER)
    (close id (get amount deal))))

;; The seller gives the coins back.
(define-public (cancel (id uint))
  (let ((deal (try! (deal-in id OPEN))))
    (asserts! (is-eq contract-caller (get seller deal)) ERR-NOT-SELLER)
    (close id u0)))

;; The buyer takes the coins back, as the deadline is over.
(define-public (reclaim (id uint))
  (let ((deal (try! (deal-in id OPEN))))
    (asserts! (is-eq contract-caller (get buyer deal)) ERR-NOT-BUYER)
    (asserts! (>= burn-block-height (get deadline deal)) ERR-TOO-EARLY)
    (close id u0)))

;; Buyer or seller calls the arbiter.
(define-public (dispute (id uint))
  (let ((deal (try! (deal-in id OPEN))) (who contract-caller))
    (asserts! (or (is-eq who (get buyer deal)) (is-eq who (get seller deal))) ERR-NOT-PARTY)
    (asserts! (< burn-block-height (get deadline deal)) ERR-TOO-LATE)
    (map-set deals id (merge deal {state: DISPUTED, deadline: (+ burn-block-height ARBITRATION)}))
    (print {event: "dispute", id: id, by: who})
    (ok true)))

;; The arbiter decides how much the seller gets; the rest is the buyer's.
(define-public (resolve (id uint) (to-seller uint))
  (let ((deal (try! (deal-in id DISPUTED))))
    (asserts! (is-eq contract-caller (get arbiter deal)) ERR-NOT-ARBITER)
    (asserts! (< burn-block-height (get deadline deal)) ERR-TOO-LATE)
    (asserts! (<= to-seller (get amount deal)) ERR-TOO-MUCH)
    (close id to-seller)))

;; Halves the coins, as the arbiter said nothing; anybody may ask for it.
(define-public (halve (id uint))
  (let ((deal (try! (deal-in id DISPUTED))))
    (asserts! (>= burn-block-height (get deadline deal)) ERR-TOO-EARLY)
    (close id (/ (get amount deal) u2))))

;; Pays a deal's coins out and ends it.
(define-private (close (id uint) (to-seller uint))
  (let ((deal (unwrap! (map-get? deals id) ERR-NO-DEAL)) (to-buyer (- (get amount deal) to-seller)))
    (map-set deals id (merge deal {state: CLOSED}))
    (try! (pay to-seller (get seller deal)))
    (try! (pay to-buyer (get buyer deal)))
    (print {event: "close", id: id, to-seller: to-seller, to-buyer: to-buyer})
    (ok true)))

(define-private (pay (amount uint) (to principal))
  (if (> amount u0)
    (as-contract? ((with-stx amount)) (try! (stx-transfer? amount current-contract to)))
    (ok true)))
