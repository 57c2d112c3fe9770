// The chat box: shows the answer as it comes, what it costs, and then the verdict.
import { GONE, stream, trouble } from './ask.js';
import { $, el, put, text } from './dom.js';
import { fai, name, plural, who } from './format.js';
import { details, payouts, pill, stage, votes } from './receipt.js';
import { changed, onLive, read, state, watch } from './store.js';

const TRIES = ['What is the capital of France?', 'Explain proof of work in two sentences.', 'Write a haiku about trust.'];
const waiting = new Map(); // receipt id -> the card that awaits its verdict
let models = [];
let history = []; // of this chat, as the API wants it
let running = null; // AbortController of the answer that is coming
let looking = 0; // timer of the next look for models

export function start() {
  const form = $('ask');
  const box = $('question');
  form.hidden = false;
  form.addEventListener('submit', (e) => {
    e.preventDefault();
    if (running) running.abort();
    else submit(box.value.trim());
  });
  box.addEventListener('keydown', (e) => {
    if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
      e.preventDefault();
      if (!running) submit(box.value.trim());
    }
  });
  box.addEventListener('input', fit);
  $('model').addEventListener('change', price);
  $('fresh').addEventListener('click', fresh);
  put($('tries'), TRIES.map((q) => el('button', { type: 'button', class: 'quiet', on: { click: () => submit(q) } }, q)));
  $('tries').hidden = false;
  loadModels();
  onLive(() => {
    loadModels();
    for (const id of waiting.keys()) catchUp(id);
  });
  watch(verdicts);
  watch(purse);
  box.focus({ preventScroll: true });
}

function fit() {
  const box = $('question');
  box.style.height = 'auto';
  box.style.height = Math.min(box.scrollHeight, 220) + 'px';
}

/** Reads what is served, again and again while it is nothing. */
async function loadModels() {
  clearTimeout(looking);
  try {
    models = (await read('/v1/models')).data;
  } catch {
    models = [];
  }
  const select = $('model');
  const chosen = select.value;
  put(select, models.map((m) => el('option', { value: m.id, selected: m.id === chosen }, m.id)));
  select.disabled = models.length < 2;
  select.hidden = !models.length;
  $('go').disabled = !models.length;
  price();
  if (!models.length) {
    text($('price'), 'No model is served right now');
    looking = setTimeout(loadModels, 5000);
  }
}

const model = () => models.find((m) => m.id === $('model').value);

function price() {
  const m = model();
  if (m) text($('price'), `${fai(m.funai.price_out * 1000)} FAI per 1,000 tokens · ${plural(m.funai.servers, 'server')}`);
}

function purse(s) {
  const own = [...s.balances.values()].find((b) => b.own);
  if (own) text($('purse'), `You hold ${fai(own.inference.confirmed)} FAI`);
}

function fresh() {
  running?.abort();
  history = [];
  waiting.clear();
  put($('talk'));
  $('hello').hidden = $('tries').hidden = false;
  $('fresh').hidden = true;
  $('question').focus();
}

function busy(on) {
  const go = $('go');
  text(go, on ? 'Stop' : 'Ask');
  go.classList.toggle('stop', on);
}

async function submit(question) {
  if (!question || running || !model()) return;
  $('hello').hidden = $('tries').hidden = true;
  $('fresh').hidden = false;
  $('question').value = '';
  fit();
  const card = answerCard(question);
  $('talk').append(el('div', { class: 'mine' }, el('p', {}, question)), card.element);
  $('ask').scrollIntoView({ block: 'nearest', behavior: 'instant' });
  running = new AbortController();
  busy(true);
  const asked = [...history, { role: 'user', content: question }];
  try {
    const answer = await stream(model(), asked, card, running.signal);
    history = [...asked, { role: 'assistant', content: answer }];
  } catch (e) {
    card.fail(trouble(e), question);
    if (GONE.includes(e.code)) loadModels();
  } finally {
    running = null;
    busy(false);
  }
}

/** Changes the page above the box without pushing the box out of sight, if it was in sight. */
function steady(change) {
  const form = $('ask');
  const seen = form.getBoundingClientRect().bottom <= innerHeight + 8;
  change();
  const over = form.getBoundingClientRect().bottom + 16 - innerHeight;
  if (seen && over > 0) scrollBy({ top: over, behavior: 'instant' });
}

/** The card of one answer, from the first token to the verdict. */
function answerCard(question) {
  const body = el('p', { class: 'answer', 'aria-busy': 'true' });
  const meter = el('p', { class: 'meter' }, el('span', { class: 'pulse' }, 'Finding a server'));
  const verdict = el('div', { class: 'verdict', hidden: true });
  const element = el('article', { class: 'theirs' }, body, meter, verdict);
  let m, server, first, speed, final, used;
  let pieces = 0;
  let unseen = ''; // came since the last frame
  let frame = 0;
  let open = false;
  let failed = false;
  let limited = false; // there was more to say
  let last = null; // receipt shown

  function cost() {
    if (last && last.verdict !== 'pending') {
      const paid = last.escrow - last.payouts.reduce((sum, p) => sum + (p.role === 'refund' ? p.amount : 0), 0);
      return paid > 0 ? fai(paid) + ' FAI paid' : 'Nothing paid';
    }
    return final ? fai(final.fee) + ' FAI' : '≈ ' + fai(m.funai.price_out * pieces) + ' FAI so far';
  }

  const show = () => steady(() => {
    frame = 0;
    body.append(unseen); // a text node
    unseen = '';
    if (failed) return;
    const seconds = (performance.now() - first) / 1000;
    if (!final && pieces > 4 && seconds > 0.2) speed = (pieces - 1) / seconds;
    put(meter, el('span', {}, who(server)), el('span', {}, plural(used?.completion_tokens ?? pieces, 'token') + (limited ? ', the most allowed' : '')),
      speed && el('span', {}, speed.toFixed(1) + ' tokens/s'), el('span', { class: 'cost' }, cost()));
  });
  const queue = () => (frame ||= requestAnimationFrame(show));

  return {
    element,
    begin(chosen, receipt, from) {
      m = chosen;
      server = from;
      first = performance.now();
      if (receipt) waiting.set(receipt, this);
      queue();
    },
    add(piece) {
      unseen += piece;
      pieces++;
      queue();
    },
    cut() {
      limited = true;
      queue();
    },
    settle(extra) {
      final = extra;
      waiting.set(extra.receipt, this);
      queue();
    },
    usage(u) {
      used = u;
      queue();
    },
    end(answer) {
      body.removeAttribute('aria-busy');
      if (!answer) unseen = '(The answer is empty.)';
      text($('said'), 'Answer complete: ' + answer.slice(0, 2000));
      this.verdict(state.receipts.get(final?.receipt) ?? { id: final?.receipt, verdict: 'pending', votes: [], output: true });
      catchUp(final?.receipt);
    },
    verdict(r) {
      if (body.hasAttribute('aria-busy') || r === last) return;
      last = r;
      if (!failed && !r.output) r = { ...r, output: true }; // this page has it, though no block says so yet
      const [kind, words] = stage(r);
      steady(() => {
        element.className = `theirs ${kind}${failed ? ' failed' : ''}`;
        verdict.hidden = false;
        const more = r.asker && el('details', { open, on: { toggle: (e) => (open = e.target.open) } }, el('summary', {}, 'Details'), details(r));
        put(verdict, el('p', { class: 'first' }, pill(r), votes(r)), r.verdict !== 'pending' && payouts(r), more);
      });
      queue();
      if (r.verdict === 'pending' || this.told) return;
      this.told = true;
      text($('said'), 'Verdict: ' + words);
    },
    fail(message, question) {
      failed = true;
      body.removeAttribute('aria-busy');
      queue();
      element.classList.add('failed');
      steady(() => put(meter, el('span', { class: 'error' }, message),
        el('button', { type: 'button', class: 'quiet', on: { click: () => submit(question) } }, 'Ask again')));
      text($('said'), message);
    },
  };
}

// A verdict may have come before the page knew which receipt to wait for.
async function catchUp(id) {
  if (!id || state.receipts.get(id)?.verdict !== undefined) return;
  try {
    const r = await read('/api/receipts/' + id);
    if (state.receipts.has(id)) return; // an event was faster, and may be newer
    state.receipts.set(id, r);
    changed();
  } catch {
    // not known there yet; an event will tell
  }
}

function verdicts() {
  for (const [id, card] of waiting) {
    const r = state.receipts.get(id);
    if (!r) continue;
    card.verdict(r);
    if (r.verdict !== 'pending' && card.told) waiting.delete(id);
  }
}
