// A person at a phone and one at a desk follow a question through a running network, by the keyboard alone; then the
// network stops and comes back under their pages.
import { drive, open, passed, sound, tabTo, tell, until } from './browser.mjs';

const gated = 8; // tokens that the network holds back until each is told
const tries = 5; // a machine too busy to judge in time leaves a question undecided and refunded; then it is asked again

/** Waits until the page follows the network and can be asked. */
async function ready({ page }) {
  await until(page, () => document.querySelector('#live').textContent === 'Live' && document.querySelectorAll('.row').length > 3
    && document.querySelector('#model').value === 'stories15m' && !document.querySelector('#go').disabled);
}

/** Heights of both chains as the rows show them, once both are above what they were. */
const heights = (since = { ledger: 0, inference: 0 }) => {
  const top = (s) => Math.max(...[...document.querySelectorAll(s)].map((e) => Number(e.textContent.replaceAll(',', ''))));
  const now = { ledger: top('.height b'), inference: top('.chip:not(.next)') };
  return now.ledger > since.ledger && now.inference > since.inference && now;
};

/** Follows the newest answer from its first token to its verdict, and says whether it was judged. */
async function follow({ page }) {
  await until(page, () => document.querySelector('.theirs:last-child .answer[aria-busy]'));
  for (let i = 0, length = 0; i < gated; i++) {
    await tell('token');
    length = await until(page, (n) => {
      const card = document.querySelector('.theirs:last-child');
      const now = card.querySelector('.answer[aria-busy]')?.textContent.length;
      return now > n && /^≈ .* FAI so far$/.test(card.querySelector('.cost').textContent) && now;
    }, length);
  }
  await until(page, () => !document.querySelector('.theirs:last-child .answer[aria-busy]'));
  passed('the answer is whole');
  await until(page, () => document.querySelector('.theirs:last-child').matches('.good, .bad, .warn'));
  const verdict = await page.textContent('.theirs:last-child .pill');
  passed(verdict);
  return !verdict.startsWith('No majority');
}

/** Asks by the keyboard until an answer is judged; send sends what is in the box. */
async function ask(window, question, send) {
  for (let i = 0; i < tries; i++) {
    await window.page.keyboard.type(question);
    await send();
    if (await follow(window)) return;
    await tabTo(window.page, '#question', 'Shift+Tab');
  }
  throw new Error(`after ${tries} questions none was judged`);
}

/** Opens the details under a verdict and holds what they say to the node's own receipt. */
async function receipt({ page }) {
  await tabTo(page, '.theirs:last-child summary', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await tabTo(page, '.theirs:last-child .facts a');
  const seen = await page.evaluate(() => {
    const card = document.querySelector('.theirs:last-child');
    return { pill: card.querySelector('.pill').textContent, cost: card.querySelector('.cost').textContent, href: document.activeElement.href,
      parts: card.querySelector('.payouts').innerText, votes: card.querySelectorAll('.vote.valid').length };
  });
  const r = await (await page.request.get(seen.href)).json();
  const paid = Number(seen.cost.match(/^([\d.]+) FAI paid$/)?.[1]) * 1e8;
  if (r.verdict !== 'valid' || seen.pill !== 'Valid — paid' || Math.round(paid) !== r.fee || seen.votes < 3 || !/Server[^]*Producer[^]*Seats[^]*Burned/.test(seen.parts)) {
    throw new Error(`the page says ${JSON.stringify(seen)} of ${JSON.stringify(r)}`);
  }
}

await drive(async (browser) => {
  const phone = await open(browser, 390, 844, 'light');
  const desk = await open(browser, 1280, 860, 'dark');
  const began = [];
  for (const w of [phone, desk]) {
    await ready(w);
    await sound(w, 'before a question');
    began.push(await until(w.page, heights));
  }

  // The phone's cursor is in the box at once, and Enter sends.
  await ask(phone, 'Once upon a time there was a little dog', () => phone.page.keyboard.press('Enter'));
  await tabTo(phone.page, '#go');
  await receipt(phone);

  await until(phone.page, heights, began[0]);
  await until(desk.page, heights, began[1]);
  await sound(phone, 'after the verdict');

  // The network stops; the pages say so, and a question says what to do.
  await tell('stop');
  for (const { page } of [phone, desk]) await until(page, () => document.querySelector('#live').textContent === 'Reconnecting');
  await tabTo(phone.page, '#question');
  await phone.page.keyboard.type('There once was a fox who');
  await phone.page.keyboard.press('Enter');
  await until(phone.page, () => document.querySelector('.theirs.failed:last-child .error')?.textContent.includes('Is funai running?'));
  const stopped = await until(phone.page, heights);
  passed('the network has stopped');
  await tell('start');
  passed('the network is back');
  for (const w of [phone, desk]) {
    await ready(w);
    await until(w.page, heights, stopped);
    w.faults.length = 0; // of the time when nobody was there
  }

  // At the desk the first stop leads past the header to the box, and the button is reached from there.
  await tabTo(desk.page, '.skip', 'Shift+Tab');
  await desk.page.keyboard.press('Enter');
  await until(desk.page, () => document.activeElement.id === 'question');
  await ask(desk, 'One day a bird sat in a tree and', async () => {
    await tabTo(desk.page, '#go');
    await desk.page.keyboard.press('Enter');
  });
  await receipt(desk);

  await sound(desk, 'after the verdict');
  await sound(phone, 'after the network came back');
});
