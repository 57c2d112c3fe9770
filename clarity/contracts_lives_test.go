package clarity_test

// life is what may happen to a contract: every function's good ends and every refusal.
type life struct {
	name      string
	contracts []string // in the order in which they are deployed
	steps     string
}

// lives are played here and, as recorded, on the reference implementation.
var lives = []life{
	{"token", []string{"ft-trait", "token"}, `
look token.get-name => (ok "Sample token")
look token.get-symbol => (ok "SMPL")
look token.get-decimals => (ok u6)
look token.get-token-uri => (ok none)
look token.get-total-supply => (ok u0)
alice token.mint u100 @alice => (err u102)
dora token.mint u100 @alice => (ok true)
dora token.mint u0 @alice => (err u1)
dora token.mint u999999999901 @alice => (err u103)
dora token.mint u999999999900 @bob => (ok true)
dora token.mint u1 @bob => (err u103)
look token.get-total-supply => (ok u1000000000000)
alice token.transfer u30 @alice @carol (some 0x68656c6c6f) => (ok true)
alice token.transfer u30 @alice @carol none => (ok true)
bob token.transfer u30 @alice @bob none => (err u101)
alice token.transfer u41 @alice @bob none => (err u1)
alice token.transfer u5 @alice @alice none => (err u2)
alice token.transfer u0 @alice @bob none => (err u3)
look token.get-balance @alice => (ok u40)
look token.get-balance @carol => (ok u60)
carol token.burn u61 => (err u1)
carol token.burn u10 => (ok true)
look token.get-total-supply => (ok u999999999990)
alice token.name-minter @alice => (err u102)
bob token.accept-minting => (err u104)
dora token.name-minter @bob => (ok true)
alice token.accept-minting => (err u104)
look token.get-minter => (some @dora)
bob token.accept-minting => (ok true)
bob token.accept-minting => (err u104)
dora token.mint u1 @dora => (err u102)
bob token.mint u1 @dora => (ok true)
dora token.end-minting => (err u102)
bob token.end-minting => (ok true)
bob token.mint u1 @bob => (err u102)
look token.get-minter => none
`},
	{"badge", []string{"nft-trait", "badge"}, `
look badge.get-last-token-id => (ok u0)
look badge.get-owner u1 => (ok none)
look badge.get-token-uri u1 => (ok none)
alice badge.issue @alice => (err u102)
dora badge.issue @alice => (ok u1)
dora badge.issue @bob => (ok u2)
dora badge.issue @bob => (ok u3)
dora badge.issue @bob => (err u103)
look badge.get-last-token-id => (ok u3)
look badge.get-owner u1 => (ok (some @alice))
look badge.get-token-uri u2 => (ok (some "https://badges.example/2"))
alice badge.transfer u1 @alice @carol => (ok true)
alice badge.transfer u1 @alice @bob => (err u1)
alice badge.transfer u1 @carol @alice => (err u101)
carol badge.transfer u1 @carol @carol => (err u2)
carol badge.transfer u4 @carol @alice => (err u3)
alice badge.destroy u1 => (err u101)
carol badge.destroy u1 => (ok true)
carol badge.destroy u1 => (err u101)
look badge.get-owner u1 => (ok none)
dora badge.issue @alice => (err u103)
`},
	{"pair", []string{"ft-trait", "token", "gold", "pair"}, `
dora token.mint u1000000 @dora => (ok true)
dora gold.mint u1000000 @dora => (ok true)
dora token.mint u100000 @alice => (ok true)
dora gold.mint u100000 @alice => (ok true)
dora token.mint u100000 @bob => (ok true)
look pair.get-pool => {tokens: none, x: u0, y: u0, shares: u0}
alice pair.sell-x @.token @.gold u100 u1 u1000 => (err u103)
alice pair.open @.token @.gold u10000 u40000 => (err u101)
dora pair.open @.token @.token u10000 u40000 => (err u105)
dora pair.open @.token @.gold u1000 u1000 => (err u106)
dora pair.open @.token @.gold u2000000 u40000 => (err u1) ;; more than dora has
dora pair.open @.token @.gold u10000 u40000 => (ok u19000)
dora pair.open @.token @.gold u10000 u40000 => (err u102)
look pair.get-pool => {tokens: (some {x: @.token, y: @.gold}), x: u10000, y: u40000, shares: u20000}
look pair.quote-out u1000 u10000 u40000 => u3626
alice pair.sell-x @.gold @.token u1000 u1 u1000 => (err u104)
alice pair.sell-x @.token @.gold u1000 u3627 u1000 => (err u107)
alice pair.sell-x @.token @.gold u1000 u3626 u1 => (err u108)
alice pair.sell-x @.token @.gold u0 u0 u1000 => (err u106)
alice pair.sell-x @.token @.gold u1000 u3626 u1000 => (ok u3626)
bob pair.sell-y @.token @.gold u1000 u1 u1000 => (err u1) ;; bob has no gold
alice pair.sell-y @.token @.gold u3626 u995 u1000 => (err u107)
alice pair.sell-y @.token @.gold u3626 u994 u1 => (err u108)
alice pair.sell-y @.gold @.token u3626 u994 u1000 => (err u104)
alice pair.sell-y @.token @.gold u3626 u994 u1000 => (ok u994)
look pair.get-pool => {tokens: (some {x: @.token, y: @.gold}), x: u10006, y: u40000, shares: u20000}
alice pair.add-liquidity @.token @.gold u5000 u19987 u1 u1000 => (err u107)
alice pair.add-liquidity @.token @.gold u5000 u19989 u9995 u1000 => (err u107)
alice pair.add-liquidity @.token @.gold u0 u19989 u0 u1000 => (err u106)
alice pair.add-liquidity @.token @.gold u5000 u19989 u9994 u1 => (err u108)
alice pair.add-liquidity @.gold @.token u5000 u19989 u9994 u1000 => (err u104)
bob pair.add-liquidity @.token @.gold u5000 u19989 u9994 u1000 => (err u1)
alice pair.add-liquidity @.token @.gold u5000 u19989 u9994 u1000 => (ok u9994)
look pair.get-shares @alice => u9994
bob pair.remove-liquidity @.token @.gold u1 u0 u0 u1000 => (err u109)
alice pair.remove-liquidity @.token @.gold u9995 u1 u1 u1000 => (err u109)
alice pair.remove-liquidity @.token @.gold u0 u0 u0 u1000 => (err u106)
alice pair.remove-liquidity @.token @.gold u9994 u5001 u1 u1000 => (err u107)
alice pair.remove-liquidity @.token @.gold u9994 u1 u1 u1 => (err u108)
alice pair.remove-liquidity @.gold @.token u9994 u1 u1 u1000 => (err u104)
alice pair.remove-liquidity @.token @.gold u9994 u4999 u19988 u1000 => (ok {x: u4999, y: u19988})
look pair.get-shares @alice => u0
look pair.get-shares @.pair => u1000
`},
	{"vault", []string{"ft-trait", "token", "gold", "vault"}, `
erin vault.fund u10001 => (err u1)
erin vault.fund u10000 => (ok true)
dora token.mint u1000 @.vault => (ok true)
dora gold.mint u1000 @.vault => (ok true)
alice vault.propose u1 @bob none => (err u105)
alice vault.set-up (list @alice) u1 => (err u101)
dora vault.set-up (list @alice @bob @carol) u0 => (err u103)
dora vault.set-up (list @alice @bob @carol) u4 => (err u103)
dora vault.set-up (list @alice @bob @alice) u2 => (err u104)
dora vault.set-up (list @alice @bob @carol) u2 => (ok true)
dora vault.set-up (list @dora) u1 => (err u102)
look vault.is-owner @carol => true
look vault.is-owner @dora => false
look vault.get-threshold => u2
dora vault.propose u1 @dora none => (err u105)
alice vault.propose u0 @dave none => (err u113)
alice vault.propose u600 @dave none => (ok u1)
look vault.has-approved u1 @alice => true
alice vault.execute u1 => (err u111)
alice vault.approve u1 => (err u109)
dave vault.approve u1 => (err u105)
bob vault.approve u9 => (err u106)
bob vault.approve u1 => (ok u2)
carol vault.revoke u1 => (err u110)
bob vault.revoke u1 => (ok true)
alice vault.revoke u1 => (ok true)
bob vault.revoke u1 => (err u110)
carol vault.execute u1 => (err u111)
carol vault.approve u1 => (ok u1)
bob vault.approve u1 => (ok u2)
dave vault.execute u1 => (err u105)
carol vault.execute-token u1 @.token => (err u112)
carol vault.execute u1 => (ok true)
carol vault.execute u1 => (err u108)
alice vault.approve u1 => (err u108)
alice vault.propose u300 @dave (some @.token) => (ok u2)
bob vault.approve u2 => (ok u2)
bob vault.execute u2 => (err u112)
bob vault.execute-token u2 @.gold => (err u112)
bob vault.execute-token u2 @.token => (ok true)
bob vault.execute-token u2 @.token => (err u108)
look token.get-balance @dave => (ok u300)
alice vault.propose u701 @dave (some @.token) => (ok u3) ;; more than there is
bob vault.approve u3 => (ok u2)
bob vault.execute-token u3 @.token => (err u1)
mine 143
bob vault.execute-token u3 @.token => (err u1)
mine 1
bob vault.execute-token u3 @.token => (err u107)
carol vault.approve u3 => (err u107)
look vault.get-proposal u9 => none
`},
	{"pair-thief", []string{"ft-trait", "token", "thief", "pair"}, `
dora token.mint u1000000 @dora => (ok true)
dora pair.open @.thief @.token u10000 u40000 => (ok u19000)
dora pair.sell-y @.thief @.token u1000 u1 u1000 => (err u110)
dora pair.remove-liquidity @.thief @.token u1000 u1 u1 u1000 => (err u110)
dora pair.sell-x @.thief @.token u1000 u1 u1000 => (ok u3626) ;; it may keep its own tokens
look token.get-balance @.pair => (ok u36374)
`},
	{"vault-thief", []string{"ft-trait", "token", "thief", "vault"}, `
dora token.mint u1000 @.vault => (ok true)
dora vault.set-up (list @alice) u1 => (ok true)
alice vault.propose u1 @dave (some @.thief) => (ok u1)
alice vault.execute-token u1 @.thief => (err u114)
look token.get-balance @.vault => (ok u1000)
`},
	{"dao", []string{"ft-trait", "token", "proposal-trait", "dao", "grant"}, `
erin dao.fund u10001 => (err u1)
erin dao.fund u10000 => (ok true)
dora token.mint u2000 @alice => (ok true)
dora token.mint u1000 @bob => (ok true)
dora token.mint u500 @carol => (ok true)
dora token.mint u16500 @dave => (ok true)
alice dao.propose @.grant u500 => (err u101)
alice dao.deposit u2001 => (err u1)
alice dao.deposit u0 => (err u3)
alice dao.deposit u999 => (ok u999)
alice dao.propose @.grant u500 => (err u101)
alice dao.deposit u1001 => (ok u2000)
alice dao.withdraw u2001 => (err u101)
alice dao.withdraw u500 => (ok u1500)
alice dao.deposit u500 => (ok u2000)
alice dao.propose @.grant u500 => (ok u1)
alice dao.propose @.grant u500 => (err u104)
bob grant.execute => (err u301)
bob dao.vote u1 true => (err u101)
bob dao.vote u2 true => (err u103)
bob dao.deposit u1000 => (ok u1000)
bob dao.vote u1 false => (ok u1000)
bob dao.vote u1 true => (err u105)
bob dao.withdraw u1 => (err u102)
alice dao.vote u1 true => (ok u2000)
alice dao.conclude u1 @.grant => (err u107)
mine 144
carol dao.deposit u500 => (ok u500)
carol dao.vote u1 true => (err u106)
carol dao.conclude u9 @.grant => (err u103)
carol dao.conclude u1 @.token => (err u111)
carol dao.conclude u1 @.grant => (err u110) ;; 3,000 of 20,000 tokens have voted
bob dao.withdraw u1000 => (ok u0)
look dao.get-ballot u1 @bob => (some {weight: u1000, in-favour: false})
look dao.get-ballot u1 @carol => none
`},
	{"dao-passes", []string{"ft-trait", "token", "proposal-trait", "dao", "grant"}, `
erin dao.fund u10001 => (err u1)
erin dao.fund u10000 => (ok true)
dora token.mint u2000 @alice => (ok true)
dora token.mint u1000 @bob => (ok true)
alice dao.deposit u2000 => (ok u2000)
bob dao.deposit u1000 => (ok u1000)
bob dao.propose @.grant u500 => (ok u1)
alice dao.vote u1 true => (ok u2000)
bob dao.vote u1 false => (ok u1000)
mine 144
erin dao.conclude u1 @.grant => (ok true)
erin dao.conclude u1 @.grant => (err u108)
look dao.get-deposit @alice => {amount: u2000, locked-until: u145}
alice dao.withdraw u2000 => (ok u0)
look token.get-balance @alice => (ok u2000)
`},
	{"dao-over-budget", []string{"ft-trait", "token", "proposal-trait", "dao", "grant"}, `
erin dao.fund u10001 => (err u1)
erin dao.fund u10000 => (ok true)
dora token.mint u2000 @alice => (ok true)
alice dao.deposit u2000 => (ok u2000)
alice dao.propose @.grant u499 => (ok u1)
alice dao.vote u1 true => (ok u2000)
mine 144
erin dao.conclude u1 @.grant => (err u113)
mine 144
erin dao.conclude u1 @.grant => (err u112)
`},
	{"dao-rejects", []string{"ft-trait", "token", "proposal-trait", "dao", "grant"}, `
erin dao.fund u10001 => (err u1)
erin dao.fund u10000 => (ok true)
dora token.mint u2000 @alice => (ok true)
dora token.mint u2000 @bob => (ok true)
alice dao.deposit u2000 => (ok u2000)
bob dao.deposit u2000 => (ok u2000)
alice dao.propose @.grant u500 => (ok u1)
alice dao.vote u1 true => (ok u2000)
bob dao.vote u1 false => (ok u2000)
mine 144
alice dao.conclude u1 @.grant => (err u109)
`},
	{"escrow", []string{"escrow"}, `
alice escrow.open @bob @carol u100 u1 => (err u108)
alice escrow.open @alice @carol u100 u100 => (err u109)
alice escrow.open @bob @alice u100 u100 => (err u109)
alice escrow.open @bob @bob u100 u100 => (err u109)
alice escrow.open @bob @carol u10001 u100 => (err u1)
alice escrow.open @bob @carol u0 u100 => (err u3)
alice escrow.open @bob @carol u100 u100 => (ok u1)
bob escrow.release u1 => (err u102)
alice escrow.release u2 => (err u101)
alice escrow.cancel u1 => (err u103)
alice escrow.reclaim u1 => (err u107)
carol escrow.resolve u1 u50 => (err u106)
carol escrow.halve u1 => (err u106)
alice escrow.release u1 => (ok true)
alice escrow.release u1 => (err u106)
alice escrow.open @bob @carol u100 u100 => (ok u2)
bob escrow.cancel u2 => (ok true)
bob escrow.cancel u2 => (err u106)
alice escrow.open @bob @carol u101 u100 => (ok u3)
carol escrow.dispute u3 => (err u105)
bob escrow.dispute u3 => (ok true)
alice escrow.dispute u3 => (err u106)
alice escrow.release u3 => (err u106)
alice escrow.resolve u3 u0 => (err u104)
carol escrow.resolve u3 u102 => (err u110)
alice escrow.halve u3 => (err u107)
carol escrow.resolve u3 u30 => (ok true)
carol escrow.resolve u3 u30 => (err u106)
alice escrow.open @bob @carol u101 u100 => (ok u4)
alice escrow.open @bob @carol u77 u100 => (ok u5)
alice escrow.dispute u4 => (ok true)
mine 100
alice escrow.dispute u5 => (err u108)
bob escrow.reclaim u5 => (err u102)
alice escrow.reclaim u5 => (ok true)
mine 1008
carol escrow.resolve u4 u0 => (err u108)
dave escrow.halve u4 => (ok true)
dave escrow.halve u4 => (err u106)
`},
	{"inference-market", []string{"inference-market"}, `
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave) => (err u107)
alice inference-market.post 0x11 "tiny" u100 u50 (list) => (err u107)
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @carol) => (err u106)
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @alice) => (err u109)
alice inference-market.post 0x11 "tiny" u0 u50 (list @carol) => (err u3)
alice inference-market.post 0x11 "tiny" u10001 u50 (list @carol) => (err u1)
alice inference-market.post 0x11 "tiny" u100 u0 (list @carol) => (err u113)
;; accepted
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @erin) => (ok u1)
bob inference-market.withdraw u1 => (err u103)
bob inference-market.withdraw u9 => (err u101)
bob inference-market.deliver u1 0x22 => (err u102)
alice inference-market.claim u1 => (err u108)
carol inference-market.claim u1 => (err u109)
bob inference-market.claim u9 => (err u101)
bob inference-market.settle u1 => (err u102)
bob inference-market.claim u1 => (ok true)
dora inference-market.claim u1 => (err u102)
alice inference-market.withdraw u1 => (err u102)
alice inference-market.accept u1 => (err u102)
dora inference-market.deliver u1 0x22 => (err u104)
bob inference-market.settle u1 => (err u111)
bob inference-market.deliver u1 0x22 => (ok true)
bob inference-market.deliver u1 0x33 => (err u102)
bob inference-market.accept u1 => (err u103)
bob inference-market.contest u1 => (err u103)
carol inference-market.judge u1 true => (err u102)
alice inference-market.accept u1 => (ok true)
alice inference-market.accept u1 => (err u102)
alice inference-market.settle u1 => (err u102)
;; withdrawn
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol) => (ok u2)
alice inference-market.withdraw u2 => (ok true)
bob inference-market.claim u2 => (err u102)
;; not delivered
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol) => (ok u3)
bob inference-market.claim u3 => (ok true)
mine 10
bob inference-market.deliver u3 0x22 => (err u110)
dave inference-market.settle u3 => (ok true)
;; not contested
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol) => (ok u4)
bob inference-market.claim u4 => (ok true)
bob inference-market.deliver u4 0x22 => (ok true)
mine 20
alice inference-market.contest u4 => (err u110)
dave inference-market.settle u4 => (ok true)
;; found bad
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @erin) => (ok u5)
bob inference-market.claim u5 => (ok true)
bob inference-market.deliver u5 0x22 => (ok true)
alice inference-market.contest u5 => (ok true)
alice inference-market.accept u5 => (err u102)
bob inference-market.judge u5 true => (err u105)
carol inference-market.judge u5 false => (ok true)
carol inference-market.judge u5 false => (err u112)
dave inference-market.judge u5 true => (ok true)
dave inference-market.settle u5 => (err u111)
erin inference-market.judge u5 false => (ok true)
erin inference-market.judge u5 false => (err u102)
;; found good
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @erin) => (ok u6)
bob inference-market.claim u6 => (ok true)
bob inference-market.deliver u6 0x22 => (ok true)
alice inference-market.contest u6 => (ok true)
carol inference-market.judge u6 true => (ok true)
dave inference-market.judge u6 true => (ok true)
erin inference-market.judge u6 false => (err u102)
;; no majority
alice inference-market.post 0x11 "tiny" u100 u50 (list @carol @dave @erin) => (ok u7)
bob inference-market.claim u7 => (ok true)
bob inference-market.deliver u7 0x22 => (ok true)
alice inference-market.contest u7 => (ok true)
carol inference-market.judge u7 true => (ok true)
erin inference-market.judge u7 false => (ok true)
mine 30
dave inference-market.judge u7 false => (err u110)
dave inference-market.settle u7 => (ok true)
;; one who has not the bond
alice inference-market.post 0x11 "tiny" u100 u20000 (list @carol) => (ok u8)
bob inference-market.claim u8 => (err u1)
look inference-market.is-judge u8 @carol => true
look inference-market.is-judge u8 @bob => false
`},
}
