;; A market of two fungible tokens, x and y, in which price follows from what it holds: x * y never falls (constant product).
;;
;; Who puts both tokens in gets shares of the pool and with them a part of the fee of 0.3 % on every trade. All division
;; rounds in favour of the pool. The contract counts what it holds itself (reserves), so sending it tokens past its
;; functions moves no price. Numbers that would not fit 128 bits abort the transaction, which then does nothing.
;;
;; tx-sender is who trades, as it is to the tokens: their own check and the bounds that everyone states here, least amount
;; and last block, are what protects them.

(use-trait ft .ft-trait.ft-trait)

(define-constant ERR-NOT-DEPLOYER (err u101))
(define-constant ERR-OPEN (err u102))
(define-constant ERR-NOT-OPEN (err u103))
(define-constant ERR-WRONG-TOKEN (err u104))
(define-constant ERR-SAME-TOKEN (err u105))
(define-constant ERR-TOO-SMALL (err u106))
(define-constant ERR-SLIPPAGE (err u107))
(define-constant ERR-TOO-LATE (err u108))
(define-constant ERR-TOO-FEW-SHARES (err u109))
(define-constant ERR-TAKEN-TOO-MUCH (err u110))

(define-constant DEPLOYER contract-caller)

;; Of an amount paid in, the part that counts: 997 of 1000.
(define-constant KEPT u997)
(define-constant WHOLE u1000)

;; Shares that stay in the contract forever. Without them the first to put something in could make a share so dear that
;; others' deposits round to nothing.
(define-constant LOCKED-SHARES u1000)

(define-fungible-token share)

;; What the pool is of: none until it is open.
(define-data-var tokens (optional {x: principal, y: principal}) none)
(define-data-var reserve-x uint u0)
(define-data-var reserve-y uint u0)

;; --- Reading ---

(define-read-only (get-pool)
  {
    tokens: (var-get tokens),
    x: (var-get reserve-x),
    y: (var-get reserve-y),
    shares: (ft-get-supply share)
  })

(define-read-only (get-shares (who principal))
  (ft-get-balance share who))

;; What amount-in buys, out of reserves of both kinds: the largest amount that leaves their product, less the fee, as it was.
(define-read-only (quote-out (amount-in uint) (reserve-in uint) (reserve-out uint))
  (let ((counted (* amount-in KEPT))) (/ (* counted reserve-out) (+ (* reserve-in WHOLE) counted))))

;; --- Checks ---

(define-private (in-time (last-block uint))
  (ok (asserts! (<= stacks-block-height last-block) ERR-TOO-LATE)))

;; Traits can be anybody's contracts: only those that the pool was opened with are called.
(define-private (are-tokens (x principal) (y principal))
  (ok (asserts! (is-eq {x: x, y: y} (unwrap! (var-get tokens) ERR-NOT-OPEN)) ERR-WRONG-TOKEN)))

;; --- Liquidity ---

;; Opens the pool with its first amounts, which set the price; only the deployer, once.
(define-public (open (x <ft>) (y <ft>) (amount-x uint) (amount-y uint))
  (let ((provider tx-sender) (shares (sqrti (* amount-x amount-y))))
    (asserts! (is-eq contract-caller DEPLOYER) ERR-NOT-DEPLOYER)
    (asserts! (is-none (var-get tokens)) ERR-OPEN)
    (asserts! (not (is-eq (contract-of x) (contract-of y))) ERR-SAME-TOKEN)
    (asserts! (> shares LOCKED-SHARES) ERR-TOO-SMALL)
    (var-set tokens (some {x: (contract-of x), y: (contract-of y)}))
    (try! (contract-call? x transfer amount-x provider current-contract none))
    (try! (contract-call? y transfer amount-y provider current-contract none))
    (try! (ft-mint? share LOCKED-SHARES current-contract))
    (try! (ft-mint? share (- shares LOCKED-SHARES) provider))
    (var-set reserve-x amount-x)
    (var-set reserve-y amount-y)
    (print {event: "open", x: amount-x, y: amount-y, shares: shares})
    (ok (- shares LOCKED-SHARES))))

;; Puts amount-x in and as much of y as the price asks for, at most max-y; answers the shares it gave, at least min-shares.
(define-public (add-liquidity
    (x <ft>)
    (y <ft>)
    (amount-x uint)
    (max-y uint)
    (min-shares uint)
    (last-block uint))
  (let ((provider tx-sender)
        (old-x (var-get reserve-x))
        (old-y (var-get reserve-y))
        (checked (try! (are-tokens (contract-of x) (contract-of y))))
        ;; Rounded up, and the shares down: nobody dilutes the others.
        (amount-y (/ (+ (* amount-x old-y) (- old-x u1)) old-x))
        (shares (/ (* amount-x (ft-get-supply share)) old-x)))
    (try! (in-time last-block))
    (asserts! (> shares u0) ERR-TOO-SMALL)
    (asserts! (and (<= amount-y max-y) (>= shares min-shares)) ERR-SLIPPAGE)
    (try! (contract-call? x transfer amount-x provider current-contract none))
    (try! (contract-call? y transfer amount-y provider current-contract none))
    (try! (ft-mint? share shares provider))
    (var-set reserve-x (+ old-x amount-x))
    (var-set reserve-y (+ old-y amount-y))
    (print {event: "add", x: amount-x, y: amount-y, shares: shares})
    (ok shares)))

;; Gives shares back for their part of the pool, at least min-x and min-y; answers both amounts.
(define-public (remove-liquidity
    (x <ft>)
    (y <ft>)
    (shares uint)
    (min-x uint)
    (min-y uint)
    (last-block uint))
  (let ((provider tx-sender)
        (checked (try! (are-tokens (contract-of x) (contract-of y))))
        (all-shares (ft-get-supply share))
        (amount-x (/ (* shares (var-get reserve-x)) all-shares))
        (amount-y (/ (* shares (var-get reserve-y)) all-shares)))
    (try! (in-time last-block))
    (asserts! (<= shares (ft-get-balance share provider)) ERR-TOO-FEW-SHARES)
    (asserts! (and (> amount-x u0) (> amount-y u0)) ERR-TOO-SMALL)
    (asserts! (and (>= amount-x min-x) (>= amount-y min-y)) ERR-SLIPPAGE)
    (try! (ft-burn? share shares provider))
    (var-set reserve-x (- (var-get reserve-x) amount-x))
    (var-set reserve-y (- (var-get reserve-y) amount-y))
    (try! (pay x amount-x provider))
    (try! (pay y amount-y provider))
    (print {event: "remove", x: amount-x, y: amount-y, shares: shares})
    (ok {x: amount-x, y: amount-y})))

;; --- Trade ---

;; Sells an amount of x for y, at least min-y until last-block; answers how much.
(define-public (sell-x (x <ft>) (y <ft>) (amount-x uint) (min-y uint) (last-block uint))
  (let ((checked (try! (are-tokens (contract-of x) (contract-of y))))
        (old-x (var-get reserve-x))
        (old-y (var-get reserve-y))
        (amount-y (quote-out amount-x old-x old-y)))
    (try! (in-time last-block))
    (try! (exchange x y amount-x amount-y min-y))
    (var-set reserve-x (+ old-x amount-x))
    (var-set reserve-y (- old-y amount-y))
    (print {event: "sell-x", x: amount-x, y: amount-y})
    (ok amount-y)))

;; Sells an amount of y for x, at least min-x until last-block; answers how much.
(define-public (sell-y (x <ft>) (y <ft>) (amount-y uint) (min-x uint) (last-block uint))
  (let ((checked (try! (are-tokens (contract-of x) (contract-of y))))
        (old-x (var-get reserve-x))
        (old-y (var-get reserve-y))
        (amount-x (quote-out amount-y old-y old-x)))
    (try! (in-time last-block))
    (try! (exchange y x amount-y amount-x min-x))
    (var-set reserve-y (+ old-y amount-y))
    (var-set reserve-x (- old-x amount-x))
    (print {event: "sell-y", x: amount-x, y: amount-y})
    (ok amount-x)))

(define-private (exchange (in <ft>) (out <ft>) (amount-in uint) (amount-out uint) (min-out uint))
  (let ((trader tx-sender))
    (asserts! (> amount-out u0) ERR-TOO-SMALL)
    (asserts! (>= amount-out min-out) ERR-SLIPPAGE)
    (try! (contract-call? in transfer amount-in trader current-contract none))
    (pay out amount-out trader)))

;; Pays out of the pool. The allowance holds even if a token's code would take more while it runs as this contract.
(define-private (pay (token <ft>) (amount uint) (recipient principal))
  (ok (unwrap! (as-contract? ((with-ft (contract-of token) "*" amount))
                 (try! (contract-call? token transfer amount current-contract recipient none)))
        ERR-TAKEN-TOO-MUCH)))
