// Both chains side by side: one row for each ledger block, with the election it made and the inference blocks of the
// producer it elected.
import { $, el, keyed, put, text } from './dom.js';
import { ago, fai, name, percent, plural, reset, short, tint, who } from './format.js';
import { grow } from './receipt.js';
import { MOST_ROWS, older, state, watch } from './store.js';

const CHIPS = 6; // inference blocks of a tenure shown in a closed row

export function start() {
  watch(show);
  $('older').addEventListener('click', async () => {
    $('older').disabled = true;
    await older().catch(() => {}); // the button stays for another try
    $('older').disabled = false;
  });
}

function show() {
  const heights = [...state.ledger.keys()].sort((a, b) => b - a).slice(0, state.rows);
  $('older').hidden = !(heights.at(-1) > 1) || state.rows >= MOST_ROWS;
  const tenures = new Map();
  for (const b of state.blocks.values()) {
    const list = tenures.get(b.ledger_height) ?? [];
    if (!list.length) tenures.set(b.ledger_height, list);
    list.push(b);
  }
  const settled = new Map();
  for (const r of state.receipts.values()) {
    if (!r.settled) continue;
    const at = settled.get(r.settled.ledger_height) ?? { valid: 0, invalid: 0, none: 0 };
    at[r.verdict]++;
    settled.set(r.settled.ledger_height, at);
  }
  keyed($('rows'), heights.map((h) => ({
    block: state.ledger.get(h), election: state.elections.get(h), settled: settled.get(h), newest: h === heights[0],
    tenure: tenures.get(h) ?? state.elections.get(h)?.tenure ?? [],
  })), (x) => x.block.hash, row);
}

function row() {
  const ledger = el('div', { class: 'cell ledger' });
  const draw = el('div', { class: 'cell draw' });
  const tenure = el('div', { class: 'cell tenure' });
  const body = el('div', { class: 'inside' });
  const box = el('details', {}, el('summary', {}, ledger, draw, tenure), body);
  const e = el('li', { class: 'row' }, box);
  let last = '';
  let item;
  const fill = () => box.open && item && put(body, ledgerFacts(item.block), candidates(item.election), blockTable(item.tenure));
  box.addEventListener('toggle', fill);
  e.update = (x) => {
    const sign = [x.block.operations.length, x.election?.winner, x.election?.candidates.length, x.tenure.length, x.tenure.at(-1)?.id, x.newest, JSON.stringify(x.settled), !!state.status].join();
    item = x;
    if (sign === last) return;
    last = sign;
    e.className = x.newest ? 'row newest' : 'row';
    put(ledger, ...ledgerCell(x.block));
    put(draw, ...drawCell(x.election));
    put(tenure, ...tenureCell(x));
    fill();
  };
  return e;
}

function ledgerCell(b) {
  const commits = b.operations.filter((o) => o.kind === 'commit').length;
  const others = b.operations.length - commits;
  return [
    el('p', { class: 'height' }, el('b', {}, b.height.toLocaleString('en')), ago(b.time)),
    el('p', { class: 'soft' }, 'mined by ', who(b.miner)),
    el('p', { class: 'soft' }, [plural(commits, 'commit'), others && plural(others, 'other operation')].filter(Boolean).join(', ')),
  ];
}

function drawCell(e) {
  if (!e) return [el('p', { class: 'soft' }, 'Not drawn yet')];
  if (!e.candidates.length) return [el('p', { class: 'soft' }, 'Nobody stood; the last producer goes on')];
  const w = e.candidates[e.winner];
  return [
    w ? el('p', { class: 'elected' }, who(w.address), ' elected') : el('p', { class: 'soft' }, 'Nobody elected'),
    el('div', { class: 'odds', role: 'img', 'aria-label': e.candidates.map((c) => `${name(c.address)} ${percent(c.odds)}`).join(', ') },
      e.candidates.map((c, i) => grow(tint(el('i', { class: i === e.winner ? 'won' : '', title: `${name(c.address)} ${percent(c.odds)}` }), c.address), c.odds))),
    el('p', { class: 'soft' }, w ? `at ${percent(w.odds)}, of ${plural(e.candidates.length, 'candidate')}` : plural(e.candidates.length, 'candidate')),
  ];
}

function tenureCell({ tenure, settled, newest }) {
  const shown = tenure.slice(-CHIPS);
  const txs = tenure.reduce((n, b) => n + (b.txs ?? 0), 0);
  return [
    el('div', { class: 'chips' },
      tenure.length > CHIPS && el('span', { class: 'soft' }, '+' + (tenure.length - CHIPS)),
      shown.map((b) => chip(b)),
      newest && el('span', { class: 'chip next', 'aria-hidden': true })),
    el('p', { class: 'soft' },
      plural(tenure.length, 'block'), txs > 0 && `, ${plural(txs, 'transaction')}`,
      settled && el('span', { class: 'tally' },
        settled.valid > 0 && el('b', { class: 'good' }, `✓ ${settled.valid} valid`),
        settled.invalid > 0 && el('b', { class: 'bad' }, `✕ ${settled.invalid} invalid`),
        settled.none > 0 && el('b', { class: 'warn' }, `– ${settled.none} undecided`))),
  ];
}

function chip(b) {
  const signed = b.signers ? `${b.signers.length} of ${b.seats} seats signed` : '';
  const e = el('span', { class: 'chip', title: [`block ${b.height}`, b.txs !== undefined && plural(b.txs, 'transaction'), signed].filter(Boolean).join(', ') }, String(b.height));
  if (b.seats) e.style.setProperty('--signed', String(b.signers.length / b.seats));
  return e;
}

function ledgerFacts(b) {
  return el('div', {},
    el('h3', { class: 'of-ledger' }, 'Ledger block ', b.height.toLocaleString('en')),
    el('dl', { class: 'facts' },
      el('dt', {}, 'Hash'), el('dd', { class: 'mono', title: b.hash }, short(b.hash)),
      el('dt', {}, 'Parent'), el('dd', { class: 'mono', title: b.parent }, short(b.parent)),
      el('dt', {}, 'Reward'), el('dd', {}, `${fai(b.reward)} + ${fai(b.fees)} fees`),
      el('dt', {}, 'Size'), el('dd', {}, `${plural(b.size, 'byte')}, ${plural(b.txs, 'transaction')}`)),
    b.operations.length > 0 && el('ul', { class: 'ops' }, b.operations.map((o) => el('li', {},
      el('span', { class: 'tag' }, o.kind), who(o.actor), o.late && el('small', {}, ' late'), el('span', { class: 'n' }, o.amount ? fai(o.amount) : '')))));
}

function candidates(e) {
  if (!e?.candidates.length) return el('div', {}, el('h3', {}, 'Election'), el('p', { class: 'soft' }, 'No candidates.'));
  const most = Math.max(...e.candidates.map((c) => c.odds), 0.01);
  return el('div', {},
    el('h3', {}, 'Election'),
    el('ol', { class: 'bars' }, e.candidates.map((c, i) => ({ c, i })).sort((a, b) => b.c.odds - a.c.odds).map(({ c, i }) => el('li', { class: i === e.winner ? 'won' : '' },
      el('span', {}, who(c.address), i === e.winner && el('b', {}, ' elected')),
      el('span', { class: 'n' }, fai(c.amount), el('small', {}, percent(c.odds))),
      el('span', { class: 'bar', 'aria-hidden': true }, width(tint(el('i', {}), c.address), c.odds / most))))),
    el('dl', { class: 'facts' }, el('dt', {}, 'S'), el('dd', { class: 'mono', title: e.s }, short(e.s))));
}

function width(e, share) {
  e.style.width = (share * 100).toFixed(1) + '%';
  return e;
}

function blockTable(tenure) {
  if (!tenure.length) return el('div', {}, el('h3', { class: 'of-inference' }, 'Tenure'), el('p', { class: 'soft' }, 'No blocks yet.'));
  return el('div', {},
    el('h3', { class: 'of-inference' }, 'Tenure'),
    el('table', { class: 'blocks' },
      el('thead', {}, el('tr', {}, ['Block', 'Id', 'Holds', 'Signed'].map((h) => el('th', { scope: 'col' }, h)))),
      el('tbody', {}, tenure.slice(-20).reverse().map((b) => el('tr', {},
        el('td', {}, b.height.toLocaleString('en')),
        el('td', { class: 'mono', title: b.id }, short(b.id)),
        el('td', {}, b.kinds ? Object.entries(b.kinds).map(([k, n]) => `${n} ${k}`).join(', ') || 'nothing' : ''),
        el('td', { class: 'n' }, b.signers ? `${b.signers.length}/${b.seats}` : ''))))));
}
