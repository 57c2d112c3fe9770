// How numbers, names and times are written.
import { el } from './dom.js';
import { state } from './store.js';

const UNIT = 1e8; // base units of one FAI

/** An amount of base units in FAI, short: whole coins keep four decimals, large sums two. */
export function fai(n) {
  const whole = Math.floor(n / UNIT);
  let frac = String(n % UNIT).padStart(8, '0');
  if (whole >= 1) frac = frac.slice(0, whole >= 1000 ? 2 : 4);
  frac = frac.replace(/0+$/, '');
  return whole.toLocaleString('en') + (frac && '.' + frac);
}

/** An amount with all its decimals, the fraction set back, for columns. */
export function exact(n) {
  if (!n) return el('span', { class: 'nil' }, '–');
  return el('span', { class: 'sum' }, Math.floor(n / UNIT).toLocaleString('en'), el('small', {}, '.' + decimals(n)));
}

/** An amount with all its decimals. */
export const full = (n) => Math.floor(n / UNIT).toLocaleString('en') + '.' + decimals(n);

const decimals = (n) => String(n % UNIT).padStart(8, '0');

export const short = (s) => (s && s.length > 14 ? s.slice(0, 6) + '…' + s.slice(-4) : s || '–');

/** What the node calls an address. */
export const name = (address) => state.status?.names?.[address] ?? short(address);

/** A name with its own colour, the same everywhere on the page. */
export function who(address) {
  return el('span', { class: 'who', title: address }, tint(el('i', { 'aria-hidden': true }), address), name(address));
}

/** Gives an element the hue of an address: far from its neighbours' for those with a name, else by its letters. */
export function tint(e, address) {
  const known = name(address);
  if (namedIn !== state.status?.names) {
    namedIn = state.status?.names;
    order = [...new Set(Object.values(namedIn ?? {}))].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  }
  let n = order.indexOf(known);
  if (n < 0) n = [...known].reduce((h, c) => (h * 31 + c.codePointAt(0)) % 997, 7);
  e.style.setProperty('--hue', String(Math.round((20 + n * 137.5) % 360))); // the golden angle
  return e;
}
let order = [];
let namedIn = null;

export const percent = (f) => (f > 0 && f < 0.01 ? '<1' : String(Math.round(f * 100))) + ' %';

export const plural = (n, one, many = one + 's') => `${n.toLocaleString('en')} ${n === 1 ? one : many}`;

/** A time that keeps saying how long ago it was. */
export function ago(t) {
  const e = el('time', { datetime: t, title: new Date(t).toLocaleString() });
  e.textContent = since(t);
  return e;
}

/** Brings an ago element to another time. */
export function reset(e, t) {
  if (e.getAttribute('datetime') === t) return;
  e.setAttribute('datetime', t);
  e.title = new Date(t).toLocaleString();
  e.textContent = since(t);
}

function since(t) {
  const s = Math.max(0, Math.round((Date.now() - Date.parse(t)) / 1000));
  if (s < 2) return 'now';
  if (s < 60) return s + ' s ago';
  if (s < 3600) return Math.floor(s / 60) + ' min ago';
  if (s < 86400) return Math.floor(s / 3600) + ' h ago';
  return Math.floor(s / 86400) + ' d ago';
}

/** Brings every time on the page up to date; once a second. */
export function tick() {
  for (const e of document.querySelectorAll('time[datetime]')) {
    const s = since(e.getAttribute('datetime'));
    if (e.textContent !== s) e.textContent = s;
  }
}
