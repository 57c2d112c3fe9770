(define-constant hundred (list
  u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 u13 u14 u15 u16 u17 u18 u19 u20 u21 u22 u23 u24 u25
  u26 u27 u28 u29 u30 u31 u32 u33 u34 u35 u36 u37 u38 u39 u40 u41 u42 u43 u44 u45 u46 u47 u48 u49 u50
  u51 u52 u53 u54 u55 u56 u57 u58 u59 u60 u61 u62 u63 u64 u65 u66 u67 u68 u69 u70 u71 u72 u73 u74 u75
  u76 u77 u78 u79 u80 u81 u82 u83 u84 u85 u86 u87 u88 u89 u90 u91 u92 u93 u94 u95 u96 u97 u98 u99 u100))
(define-constant twenty (list u1 u2 u3 u4 u5 u6 u7 u8 u9 u10 u11 u12 u13 u14 u15 u16 u17 u18 u19 u20))
(define-data-var counter uint u0)
(define-map balances uint uint)

(define-private (sum (i uint) (acc uint)) (mod (+ (* acc u31) i u7) u1000000007))
(define-private (sums (i uint) (acc uint)) (fold sum hundred acc))
(define-private (bump (i uint) (acc uint)) (begin (var-set counter (+ (var-get counter) i)) acc))
(define-private (bumps (i uint) (acc uint)) (fold bump hundred acc))
(define-private (put (i uint) (acc uint))
  (begin (map-set balances i (+ acc (default-to u0 (map-get? balances i)))) acc))
(define-private (puts (i uint) (acc uint)) (fold put hundred acc))
(define-private (twice (x uint)) (+ x x))
(define-private (call (i uint) (acc uint)) (mod (+ (twice i) (twice acc)) u1000003))
(define-private (calls (i uint) (acc uint)) (fold call hundred acc))
(define-private (pair (i uint) (acc {a: uint, b: uint})) {a: (get b acc), b: (+ i (get a acc))})
(define-private (pairs (i uint) (acc uint)) (get a (fold pair hundred {a: acc, b: u1})))
(define-private (branch (i uint) (acc uint))
  (let ((x (if (> i u50) (some i) none)) (y (match x v (+ v acc) acc)))
    (if (and (> y u100) (is-some x)) (mod y u1009) (unwrap-panic (if (is-eq i u0) none (some y))))))
(define-private (branches (i uint) (acc uint)) (fold branch hundred acc))

(define-public (arithmetic) (ok (fold sums hundred u1)))
(define-public (variables) (ok (fold bumps twenty u1)))
(define-public (maps) (ok (fold puts twenty u1)))
(define-public (functions) (ok (fold calls hundred u1)))
(define-public (tuples) (ok (fold pairs hundred u1)))
(define-public (control) (ok (fold branches hundred u1)))
(define-public (nothing) (ok u1))
