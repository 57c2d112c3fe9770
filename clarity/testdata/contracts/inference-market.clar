;; A market where somebody asks a model, a provider answers, and a panel judges if they disagree.
;;
;; The asker posts the hash of a prompt, the model's name and a reward, and names a panel of judges. A provider who accepts
;; the panel claims the task with a bond and delivers the hash of an answer; prompt and answer travel off the chain. The asker
;; accepts, or stays silent, and the provider is paid; or the asker contests, and a majority of the panel decides. A provider
;; who delivers nothing pays the bond to the asker. One whose answer the panel rejects loses the bond to nobody: it is
;; burned, so nobody gains by a false verdict. A panel without a majority leaves everyone with what they had.
;; Every state but the first has a deadline, after which anybody may settle the task.

(define-constant ERR-NO-TASK (err u101))
(define-constant ERR-WRONG-STATE (err u102))
(define-constant ERR-NOT-ASKER (err u103))
(define-constant ERR-NOT-PROVIDER (err u104))
(define-constant ERR-NOT-JUDGE (err u105))
(define-constant ERR-JUDGE-TWICE (err u106))
(define-constant ERR-EVEN-PANEL (err u107))
(define-constant ERR-OWN-TASK (err u108))
(define-constant ERR-PARTIAL-JUDGE (err u109))
(define-constant ERR-TOO-LATE (err u110))
(define-constant ERR-TOO-EARLY (err u111))
(define-constant ERR-VOTED (err u112))
(define-constant ERR-NO-BOND (err u113))

;; States of a task.
(define-constant POSTED "posted")
(define-constant CLAIMED "claimed")
(define-constant DELIVERED "delivered")
(define-constant CONTESTED "contested")
(define-constant PAID "paid")
(define-constant REFUNDED "refunded")
(define-constant FINED "fined")
(define-constant UNDECIDED "undecided")

;; Blocks of the ledger for each step.
(define-constant DELIVERY u10)
(define-constant REVIEW u20)
(define-constant JUDGEMENT u30)

(define-data-var last-id uint u0)

(define-map tasks
  uint
  {
    asker: principal,
    prompt: (buff 32), ;; SHA-256
    model: (string-ascii 64),
    reward: uint,
    bond: uint,
    majority: uint, ;; of the panel
    state: (string-ascii 9),
    provider: (optional principal),
    output: (optional (buff 32)), ;; SHA-256
    deadline: uint, ;; the first height of the ledger at which it is too late for the state's next step
    good: uint, ;; votes
    bad: uint
  })

;; The judges of a task, and whether they have voted.
(define-map seats {task: uint, judge: principal} {voted: bool})

;; --- Reading ---

(define-read-only (get-task (id uint))
  (map-get? tasks id))

(define-read-only (is-judge (id uint) (who principal))
  (is-some (map-get? seats {task: id, judge: who})))

(define-private (task-in (id uint) (state (string-ascii 9)))
  (let ((task (unwrap! (map-get? tasks id) ERR-NO-TASK)))
    (asserts! (is-eq (get state task) state) ERR-WRONG-STATE)
    (ok task)))

;; --- Asking and answering ---

;; Posts a task and pays its reward in; answers its id. The panel has an odd number of judges, none of them the asker.
(define-public (post
    (prompt (buff 32))
    (model (string-ascii 64))
    (reward uint)
    (bond uint)
    (panel (list 5 principal)))
  (let ((asker contract-caller) (id (+ (var-get last-id) u1)))
    (asserts! (is-eq (mod (len panel) u2) u1) ERR-EVEN-PANEL)
    (asserts! (> bond u0) ERR-NO-BOND)
    (try! (stx-transfer? reward asker current-contract))
    (var-set last-id id)
    (try! (fold seat panel (ok id)))
    (asserts! (not (is-judge id asker)) ERR-PARTIAL-JUDGE)
    (map-set tasks
      id
      {
        asker: asker,
        prompt: prompt,
        model: model,
        reward: reward,
        bond: bond,
        majority: (+ (/ (len panel) u2) u1),
        state: POSTED,
        provider: none,
        output: none,
        deadline: u0,
        good: u0,
        bad: u0
      })
    (print {
      event: "post",
      id: id,
      asker: asker,
      prompt: prompt,
      model: model,
      reward: reward,
      bond: bond
    })
    (ok id)))

(define-private (seat (who principal) (task (response uint uint)))
  (let ((id (try! task)))
    (asserts! (map-insert seats {task: id, judge: who} {voted: false}) ERR-JUDGE-TWICE)
    (ok id)))

;; The asker takes back a task that nobody has claimed.
(define-public (withdraw (id uint))
  (let ((task (try! (task-in id POSTED))))
    (asserts! (is-eq contract-caller (get asker task)) ERR-NOT-ASKER)
    (finish id REFUNDED (get reward task) u0 u0)))

;; Claims a task and pays its bond in.
(define-public (claim (id uint))
  (let ((task (try! (task-in id POSTED)))
        (provider contract-caller)
        (deadline (+ burn-block-height DELIVERY)))
    (asserts! (not (is-eq provider (get asker task))) ERR-OWN-TASK)
    (asserts! (not (is-judge id provider)) ERR-PARTIAL-JUDGE)
    (try! (stx-transfer? (get bond task) provider current-contract))
    (map-set tasks id (merge task {state: CLAIMED, provider: (some provider), deadline: deadline}))
    (print {event: "claim", id: id, provider: provider, deadline: deadline})
    (ok true)))

;; Delivers the hash of the answer.
(define-public (deliver (id uint) (output (buff 32)))
  (let ((task (try! (task-in id CLAIMED))) (deadline (+ burn-block-height REVIEW)))
    (asserts! (is-eq (some contract-caller) (get provider task)) ERR-NOT-PROVIDER)
    (asserts! (< burn-block-height (get deadline task)) ERR-TOO-LATE)
    (map-set tasks id (merge task {state: DELIVERED, output: (some output), deadline: deadline}))
    (print {event: "deliver", id: id, output: output, deadline: deadline})
    (ok true)))

;; The asker is content: the provider gets reward and bond.
(define-public (accept (id uint))
  (let ((task (try! (task-in id DELIVERED))))
    (asserts! (is-eq contract-caller (get asker task)) ERR-NOT-ASKER)
    (finish id PAID u0 (+ (get reward task) (get bond task)) u0)))

;; --- Judging ---

;; The asker calls the panel.
(define-public (contest (id uint))
  (let ((task (try! (task-in id DELIVERED))) (deadline (+ burn-block-height JUDGEMENT)))
    (asserts! (is-eq contract-caller (get asker task)) ERR-NOT-ASKER)
    (asserts! (< burn-block-height (get deadline task)) ERR-TOO-LATE)
    (map-set tasks id (merge task {state: CONTESTED, deadline: deadline}))
    (print {event: "contest", id: id, deadline: deadline})
    (ok true)))

;; A judge says whether the answer is good. The vote that makes a majority settles the task.
(define-public (judge (id uint) (good bool))
  (let ((task (try! (task-in id CONTESTED)))
        (who {task: id, judge: contract-caller})
        (chair (unwrap! (map-get? seats who) ERR-NOT-JUDGE))
        (for (+ (get good task) (if good u1 u0)))
        (against (+ (get bad task) (if good u0 u1))))
    (asserts! (not (get voted chair)) ERR-VOTED)
    (asserts! (< burn-block-height (get deadline task)) ERR-TOO-LATE)
    (map-set seats who {voted: true})
    (map-set tasks id (merge task {good: for, bad: against}))
    (print {event: "judge", id: id, judge: contract-caller, good: good})
    (if (>= for (get majority task))
      (finish id PAID u0 (+ (get reward task) (get bond task)) u0)
      (if (>= against (get majority task))
        (finish id FINED (get reward task) u0 (get bond task))
        (ok true)))))

;; --- Deadlines ---

;; Settles a task whose deadline is over; anybody may ask for it.
(define-public (settle (id uint))
  (let ((task (unwrap! (map-get? tasks id) ERR-NO-TASK))
        (state (get state task))
        (reward (get reward task))
        (bond (get bond task)))
    (asserts! (is-some (index-of? (list CLAIMED DELIVERED CONTESTED) state)) ERR-WRONG-STATE)
    (asserts! (>= burn-block-height (get deadline task)) ERR-TOO-EARLY)
    (if (is-eq state CLAIMED)
      ;; Nothing was delivered: that is plain to everyone, so the bond makes up for the wait.
      (finish id REFUNDED (+ reward bond) u0 u0)
      (if (is-eq state DELIVERED)
        ;; The asker has not contested.
        (finish id PAID u0 (+ reward bond) u0)
        ;; The panel has no majority.
        (finish id UNDECIDED reward bond u0)))))

;; Ends a task and pays everything out that was paid in for it.
(define-private (finish
    (id uint)
    (state (string-ascii 9))
    (to-asker uint)
    (to-provider uint)
    (burned uint))
  (let ((task (unwrap! (map-get? tasks id) ERR-NO-TASK)))
    (map-set tasks id (merge task {state: state}))
    (try! (pay to-asker (get asker task)))
    (try! (pay to-provider (default-to (get asker task) (get provider task))))
    (try! (destroy burned))
    (print {event: state, id: id, to-asker: to-asker, to-provider: to-provider, burned: burned})
    (ok true)))

(define-private (pay (amount uint) (to principal))
  (if (> amount u0)
    (as-contract? ((with-stx amount)) (try! (stx-transfer? amount current-contract to)))
    (ok true)))

(define-private (destroy (amount uint))
  (if (> amount u0)
    (as-contract? ((with-stx amount)) (try! (stx-burn? amount current-contract)))
    (ok true)))
