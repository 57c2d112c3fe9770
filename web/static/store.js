// What the page knows of the network: read once from the lists, then kept up by events, and read again after every
// reconnection, because events missed are not repeated.

export const state = {
  live: false,
  status: null,
  supply: null,
  ledger: new Map(), // height -> block
  elections: new Map(), // ledger height -> election
  blocks: new Map(), // height -> inference block
  receipts: new Map(), // id -> receipt, oldest first
  balances: new Map(), // inference address -> balance
  rows: innerWidth < 720 ? 5 : 10, // ledger blocks shown
};

export const MOST_ROWS = 400;
const MOST = { ledger: MOST_ROWS, elections: MOST_ROWS, blocks: 1500, receipts: 300, balances: 200 };
const MOST_EVENTS = 1000; // kept while the lists are read
const views = [];
const returns = []; // called when events come again
let queued = false;

/** Calls view after every change, at most once a frame. */
export function watch(view) {
  views.push(view);
}

/** Calls f whenever the page is back after it was cut off, once everything has been read again. */
export function onLive(f) {
  returns.push(f);
}

export function changed() {
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    for (const view of views) view(state);
  });
}

/** Reads JSON, or throws the refusal. */
export async function read(path) {
  const res = await fetch(path);
  if (!res.ok) throw await refusal(res);
  return res.json();
}

/** The error that a response carries: the server's message, and its code if it gave one. */
export async function refusal(res) {
  const body = await res.json().catch(() => null);
  return Object.assign(new Error(body?.error?.message ?? `${res.status} ${res.statusText}`), { code: body?.error?.code });
}

// Puts entries, oldest first, into an emptied map; null leaves the map as it was.
function fill(map, newestFirst, key) {
  if (!newestFirst) return;
  map.clear();
  for (const x of newestFirst.reverse()) map.set(key(x), x);
}

// Forgets the oldest entries.
function trim() {
  for (const [name, most] of Object.entries(MOST)) {
    const map = state[name];
    while (map.size > most) map.delete(map.keys().next().value);
  }
}

// A block at a height that is known under another hash undoes it and all above it.
function extend(map, x, height, hash) {
  const old = map.get(height(x));
  if (old && hash(old) !== hash(x)) for (const h of [...map.keys()]) if (h >= height(x)) map.delete(h);
  map.set(height(x), x);
}

const take = {
  ledger_block: (b) => {
    extend(state.ledger, b, (x) => x.height, (x) => x.hash);
    refresh();
  },
  election: (e) => extend(state.elections, e, (x) => x.ledger_height, (x) => x.ledger_hash),
  inference_block: (b) => {
    extend(state.blocks, b, (x) => x.height, (x) => x.id);
    if (state.status && b.height >= state.status.inference.height) {
      Object.assign(state.status.inference, { height: b.height, id: b.id, time: b.time, producer: b.producer });
    }
  },
  receipt: (r) => state.receipts.set(r.id, r),
  verdict: (r) => state.receipts.set(r.id, r),
  balance: (b) => state.balances.set(b.inference.address, b),
};

let during = null; // the latest events that came while the lists are read

/** Reads everything again. What the events say meanwhile is newer than the lists, and said again over them. */
async function reload() {
  const mine = (during = []);
  const n = Math.min(100, state.rows);
  const got = await Promise.allSettled([
    read('/api/status'), read('/api/supply'), read(`/api/ledger/blocks?limit=${n}`), read(`/api/elections?limit=${n}`),
    read('/api/inference/blocks?limit=100'), read('/api/receipts?limit=40'), read('/api/balances?of=known&limit=100'),
  ]);
  const [status, supply, ledger, elections, blocks, receipts, balances] = got.map((g) => (g.status === 'fulfilled' ? g.value : null));
  if (during !== mine) return; // cut off and back again: another reading is under way
  during = null;
  if (status) state.status = status;
  if (supply) state.supply = supply;
  fill(state.ledger, ledger, (b) => b.height);
  fill(state.elections, elections, (e) => e.ledger_height);
  fill(state.blocks, blocks, (b) => b.height);
  fill(state.receipts, receipts, (r) => r.id);
  fill(state.balances, balances?.reverse(), (b) => b.inference.address);
  for (const [kind, x] of mine) take[kind](x);
  trim();
  changed();
}

/** Shows twelve more ledger blocks, read if need be. */
export async function older() {
  const lowest = Math.min(...state.ledger.keys());
  state.rows = Math.min(state.rows + 12, MOST_ROWS);
  if (lowest > 1 && state.ledger.size < state.rows) {
    const [ledger, elections] = await Promise.all(['ledger/blocks', 'elections'].map((list) => read(`/api/${list}?limit=12&before=${lowest}`)));
    fill(state.ledger, [...[...state.ledger.values()].reverse(), ...ledger], (b) => b.height);
    fill(state.elections, [...[...state.elections.values()].reverse(), ...elections], (e) => e.ledger_height);
  }
  changed();
}

// Status and supply have no events of their own; they are read again after a ledger block, at most every two seconds.
let waiting = null;
function refresh() {
  waiting ??= setTimeout(async () => {
    waiting = null;
    const [status, supply] = await Promise.allSettled([read('/api/status'), read('/api/supply')]);
    if (status.status === 'fulfilled') state.status = status.value;
    if (supply.status === 'fulfilled') state.supply = supply.value;
    changed();
  }, 2000);
}

let lost = false; // events may have been missed

/** Follows the network for as long as the page is open. */
export function follow() {
  const source = new EventSource('/api/events');
  source.onopen = async () => {
    state.live = true;
    const back = lost;
    lost = false;
    await reload();
    if (back) for (const f of returns) f();
  };
  source.onerror = () => {
    state.live = false;
    lost = true;
    changed();
    if (source.readyState === EventSource.CLOSED) setTimeout(follow, 5000); // refused: the browser does not try again
  };
  for (const [kind, f] of Object.entries(take)) {
    source.addEventListener(kind, (e) => {
      const x = JSON.parse(e.data);
      if (during?.push([kind, x]) > MOST_EVENTS) during.shift();
      f(x);
      trim();
      changed();
    });
  }
}
