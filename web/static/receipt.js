// One question's life, as it is shown under an answer and in the list of verdicts.
import { el, put } from './dom.js';
import { ago, fai, full, name, plural, short, tint, who } from './format.js';

const VOTES = {
  pending: ['', 'not voted yet'],
  sealed: ['•', 'vote sealed'],
  valid: ['✓', 'valid'],
  invalid: ['✕', 'invalid'],
  abstain: ['–', 'abstains'],
  missed: ['', 'missed'],
};

/** The seats' votes as a row of dots, with words for who can't see them. */
export function votes(r) {
  const all = r.votes ?? [];
  const words = all.map((v) => `${name(v.who)}: ${VOTES[v.vote]?.[1] ?? v.vote}`).join(', ');
  return el('span', { class: 'votes', role: 'img', 'aria-label': words || 'no votes yet', title: words },
    all.map((v) => el('b', { class: 'vote ' + (v.vote in VOTES ? v.vote : 'pending') }, VOTES[v.vote]?.[0] ?? '')));
}

/** What stage a question is in, in a few words, and the class of its colour. */
export function stage(r) {
  switch (r.verdict) {
    case 'valid':
      return ['good', 'Valid — paid'];
    case 'invalid':
      return ['bad', 'Invalid — refunded'];
    case 'none':
      return ['warn', r.packed ? 'No majority — refunded' : 'No answer — refunded'];
  }
  if (!r.packed) return ['wait', r.output ? 'Delivered, on its way to a block' : 'Asked'];
  const sealed = (r.votes ?? []).filter((v) => v.vote !== 'pending').length;
  return ['wait', sealed ? `Judging, ${sealed} of ${r.votes.length} voted` : 'Judging'];
}

export function pill(r) {
  const [kind, words] = stage(r);
  return el('span', { class: 'pill ' + kind }, el('i', { 'aria-hidden': true }), words);
}

const ROLES = { server: 'Server', producer: 'Producer', seat: 'Seats', burn: 'Burned', refund: 'Back to asker', fine: 'Fine' };

/** Who got what: a bar of the fee's parts and a line for each. */
export function payouts(r) {
  const parts = new Map();
  for (const p of r.payouts ?? []) {
    const at = parts.get(p.role) ?? { role: p.role, amount: 0, who: [] };
    at.amount += p.amount;
    if (p.who && !at.who.includes(p.who)) at.who.push(p.who);
    parts.set(p.role, at);
  }
  if (!parts.size) return null;
  const shares = [...parts.values()].filter((p) => p.role !== 'fine' && (p.role !== 'refund' || r.verdict !== 'valid'));
  const total = shares.reduce((sum, p) => sum + p.amount, 0) || 1;
  return el('div', { class: 'payouts' },
    el('div', { class: 'split', 'aria-hidden': true }, shares.map((p) => grow(el('i', { class: 'part ' + p.role }), p.amount / total))),
    el('ul', {}, [...parts.values()].filter((p) => p.amount > 0).map((p) => el('li', {},
      el('i', { class: 'part ' + p.role, 'aria-hidden': true }),
      el('span', {}, ROLES[p.role] ?? p.role, p.role === 'seat' ? ` (${p.who.length})` : p.who.length && p.role !== 'refund' ? [' ', el('small', {}, name(p.who[0]))] : ''),
      el('span', { class: 'n' }, (p.role === 'fine' ? '−' : '') + full(p.amount)),
    ))),
  );
}

/** Gives a bar's part its share of the width. */
export function grow(e, share) {
  e.style.flexGrow = String(Math.max(share, 0.0001));
  return e;
}

function place(label, p) {
  return p && [el('dt', {}, label), el('dd', {}, `block ${p.height}, ledger ${p.ledger_height}, `, ago(p.time))];
}

/** Everything else there is to say. */
export function details(r) {
  return el('dl', { class: 'facts' },
    el('dt', {}, 'Transaction'), el('dd', {}, el('a', { href: '/api/receipts/' + r.id, class: 'mono', title: r.id }, short(r.id))),
    el('dt', {}, 'Asker'), el('dd', {}, who(r.asker)),
    el('dt', {}, 'Server'), el('dd', {}, who(r.server)),
    r.producer && [el('dt', {}, 'Packed by'), el('dd', {}, who(r.producer))],
    el('dt', {}, 'Tokens'), el('dd', {}, `${r.tokens_in} in, ${r.tokens_out} out`),
    el('dt', {}, 'Fee'), el('dd', {}, `${fai(r.fee)} of ${fai(r.escrow)} held back`),
    place('Opened', r.opened), place('Packed', r.packed), place('Settled', r.settled),
  );
}

/** A line of the list of verdicts, which opens to the whole. */
export function line() {
  const head = el('summary', {});
  const body = el('div', { class: 'inside' });
  const box = el('details', {}, head, body);
  const e = el('li', { class: 'receipt' }, box);
  let last;
  const fill = () => box.open && last && put(body, payouts(last), details(last));
  box.addEventListener('toggle', fill);
  e.update = (r) => {
    if (r === last) return;
    last = r;
    e.className = 'receipt ' + stage(r)[0];
    put(head,
      el('span', { class: 'first' }, pill(r), votes(r)),
      el('span', { class: 'second' }, tint(el('span', { class: 'route' }, who(r.asker), ' → ', who(r.server)), r.server),
        el('span', {}, plural(r.tokens_out, 'token')), el('span', {}, fai(r.fee) + ' FAI'), r.opened && ago(r.opened.time)));
    fill();
  };
  return e;
}
