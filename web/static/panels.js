// The header, the list of verdicts, the seats, balances and the supply.
import { $, el, keyed, put, text } from './dom.js';
import { exact, fai, name, plural, who } from './format.js';
import { grow, line } from './receipt.js';
import { state, watch } from './store.js';

const RECEIPTS = 10;
const BALANCES = 8; // rows until all are asked for
let all = false;
let shownTips = '';

export function start() {
  watch(header);
  watch(() => keyed($('receipt-list'), [...state.receipts.values()].reverse().slice(0, RECEIPTS), (r) => r.id, line));
  watch(seats);
  watch(balances);
  watch(addresses);
  watch(supply);
  $('everyone').addEventListener('click', () => {
    all = true;
    balances();
  });
}

function header() {
  const s = state.status;
  text($('live'), state.live ? 'Live' : 'Reconnecting');
  $('live').className = state.live ? 'live on' : 'live';
  if (!s) return;
  const tip = Math.max(s.ledger.height, ...state.ledger.keys());
  const behind = s.ledger.best_header > tip;
  const sign = [s.network, tip, behind, s.inference.height].join();
  if (sign === shownTips) return;
  shownTips = sign;
  put($('tips'),
    el('span', { class: 'tag' }, s.network),
    el('span', { class: 'of-ledger' }, el('small', {}, 'Ledger'), tip.toLocaleString('en') + (behind ? ' / ' + s.ledger.best_header.toLocaleString('en') : '')),
    el('span', { class: 'of-inference' }, el('small', {}, 'Inference'), s.inference.height.toLocaleString('en')));
  text($('version'), `${s.version} · ${plural(s.peers.length, 'peer')} · ${plural(s.ledger.peers, 'ledger peer')}`);
}

function seats() {
  const s = state.status;
  if (!s) return;
  const left = s.cycle.start + s.cycle.length - s.ledger.height;
  text($('cycle'), s.bootstrap.done ? `Cycle ${s.cycle.number}, ${plural(Math.max(left, 0), 'ledger block')} left. The squares are their latest votes.`
    : `Starting up: ${s.bootstrap.stakers} of ${s.bootstrap.needed} stakers needed; until then results are refunded.`);
  const most = Math.max(1, ...s.seats.map((x) => x.stake));
  const cast = new Map();
  for (const r of state.receipts.values()) {
    for (const v of r.settled ? r.votes : []) {
      const list = cast.get(v.who) ?? [];
      if (!list.length) cast.set(v.who, list);
      list.push(v.vote);
    }
  }
  keyed($('seat-list'), s.seats.map((x) => ({ seat: x, share: x.stake / most, votes: (cast.get(x.address) ?? []).slice(-12) })), (x) => x.seat.address, chair);
}

function chair() {
  const e = el('li', { class: 'chair' });
  let known = '';
  e.update = ({ seat, share, votes }) => {
    const sign = [seat.stake, share, votes.join(), name(seat.address)].join();
    if (sign === known) return;
    known = sign;
    const bar = el('i', {});
    bar.style.width = (share * 100).toFixed(1) + '%';
    put(e,
      el('span', {}, who(seat.address), seat.own && el('small', {}, ' this node')),
      el('span', { class: 'n' }, fai(seat.stake), el('small', {}, ' FAI staked')),
      el('span', { class: 'bar', 'aria-hidden': true }, bar),
      el('span', { class: 'ticks', role: 'img', 'aria-label': 'last votes: ' + (votes.join(', ') || 'none') }, votes.map((v) => el('i', { class: v, title: v }))));
  };
  return e;
}

function balances() {
  const list = [...state.balances.values()].sort((a, b) => (b.own - a.own) || name(a.inference.address).localeCompare(name(b.inference.address), 'en', { numeric: true }));
  keyed($('balance-list'), all ? list : list.slice(0, BALANCES), (b) => b.inference.address, balanceRow);
  text($('everyone'), `Show all ${list.length}`);
  $('everyone').hidden = all || list.length <= BALANCES;
}

const COLUMNS = [
  ['Ledger', (b) => b.ledger.confirmed + b.ledger.unconfirmed],
  ['Inference', (b) => b.inference.confirmed],
  ['Staked', (b) => b.inference.staked],
  ['Bonded', (b) => b.inference.bonded],
  ['Maturing', (b) => b.ledger.immature + b.inference.immature],
];

function balanceRow() {
  const head = el('th', { scope: 'row' });
  const cells = COLUMNS.map(([label]) => el('td', { class: 'n', 'data-label': label }));
  const tr = el('tr', {}, head, cells);
  let known = '';
  tr.update = (b) => {
    tr.className = b.own ? 'own' : '';
    const title = name(b.inference.address) + b.roles;
    if (title !== known) put(head, who(b.inference.address), el('small', {}, ' ', b.own ? 'this node' : '', b.roles?.length ? ' ' + b.roles.join(', ') : ''));
    known = title;
    COLUMNS.forEach(([, sum], i) => {
      const [cell, now] = [cells[i], sum(b)];
      if (cell.sum === now) return;
      cell.className = 'n' + (cell.sum === undefined ? '' : now > cell.sum ? ' up' : ' down');
      cell.sum = now;
      put(cell, exact(now));
    });
  };
  return tr;
}

function addresses() {
  const own = state.status?.own;
  if (!own || $('addresses').childElementCount) return;
  put($('addresses'), [['Ledger', own.ledger], ['Inference', own.inference]].map(([layer, address]) => address && [
    el('dt', {}, `${layer} address of this node`), el('dd', { class: 'mono' }, address)]).filter(Boolean).flat());
}

function supply() {
  const s = state.supply;
  if (!s) return;
  const whole = s.total || 1;
  put($('supply'),
    el('p', {}, el('b', {}, fai(s.total) + ' FAI'), ' in existence, of ', fai(s.cap), ' ever. ',
      el('span', { class: s.balanced ? 'good' : 'bad' }, s.balanced ? '✓ Every coin is accounted for.' : '✕ The sums do not match.')),
    s.total > 0 && el('div', { class: 'split', 'aria-hidden': true },
      grow(el('i', { class: 'part ledger' }), s.ledger.held / whole), grow(el('i', { class: 'part inference' }), s.inference.held / whole)),
    el('p', { class: 'legend' },
      el('span', {}, el('i', { class: 'part ledger', 'aria-hidden': true }), 'Ledger ', fai(s.ledger.held)),
      el('span', {}, el('i', { class: 'part inference', 'aria-hidden': true }), 'Inference ', fai(s.inference.held)),
      el('span', {}, 'In escrow ', fai(s.inference.in_escrow)), el('span', {}, 'Staked ', fai(s.inference.staked)),
      el('span', {}, 'Burned ', fai(s.ledger.burned + s.inference.burned - s.inference.credited), ' for good')));
}
