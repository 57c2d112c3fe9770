// Asking over /v1/chat/completions, and what it means when that fails.
import { refusal } from './store.js';

/** Codes of errors after which the list of models is out of date. */
export const GONE = ['model_not_found', 'no_server'];

// What to do about the errors that a person can do something about, by the API's codes.
const REMEDIES = {
  insufficient_funds: 'Send FAI to this node (its addresses are under Money), or ask something shorter.',
  model_not_found: 'Choose another model.',
  context_length_exceeded: 'Start a new chat, or ask something shorter.',
  no_server: 'Wait a moment and ask again, or choose another model.',
  syncing: 'It is still catching up with the network; ask again when it has.',
  rate_limit_exceeded: 'Wait a moment and ask again.',
  upstream_error: 'Ask again; another server may answer.',
};

const SILENT = 'This node does not answer. Is funai running? The page comes back when it does; then ask again.';
const BROKEN = 'The connection to this node ended before the answer did. Ask again when the page is live.';

/** An error as sentences: what happened, and what to do. */
export function trouble(e) {
  if (e.name === 'AbortError') return 'Stopped.';
  const said = e.message.charAt(0).toUpperCase() + e.message.slice(1);
  return [/[.!?]$/.test(said) ? said : said + '.', REMEDIES[e.code]].filter(Boolean).join(' ');
}

/** Asks a model, feeds the card, and returns the whole answer. Throws if it did not come whole. */
export async function stream(m, messages, card, signal) {
  const res = await fetch('/v1/chat/completions', {
    method: 'POST',
    signal,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ model: m.id, messages, stream: true, stream_options: { include_usage: true } }),
  }).catch((e) => {
    throw e.name === 'AbortError' ? e : new Error(SILENT);
  });
  if (!res.ok) throw await refusal(res);
  card.begin(m, res.headers.get('X-Funai-Receipt'), res.headers.get('X-Funai-Server'));
  let answer = '';
  let done = false;
  for await (const data of events(res.body)) {
    if (data === '[DONE]') {
      done = true;
      break;
    }
    const chunk = JSON.parse(data);
    if (chunk.error) throw Object.assign(new Error(chunk.error.message), { code: chunk.error.code });
    const piece = chunk.choices[0]?.delta?.content;
    if (piece) {
      answer += piece;
      card.add(piece);
    }
    if (chunk.choices[0]?.finish_reason === 'length') card.cut();
    if (chunk.funai) card.settle(chunk.funai);
    if (chunk.usage) card.usage(chunk.usage);
  }
  if (!done) throw new Error(BROKEN);
  card.end(answer);
  return answer;
}

/** The data of every server-sent event of a response body. */
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read().catch((e) => {
      throw e.name === 'AbortError' ? e : new Error(BROKEN);
    });
    if (done) return;
    const parts = (rest + value).split('\n\n');
    rest = parts.pop();
    for (const p of parts) if (p.startsWith('data: ')) yield p.slice(6);
  }
}
