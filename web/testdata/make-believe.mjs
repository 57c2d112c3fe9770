// A person asks a make-believe network for what an honest one does not do: an answer that is false, one that fails, one that
// can't be paid for, and one that tries to be more than text.
import { drive, open, sound, tell, until } from './browser.mjs';

await drive(async (browser) => {
  const window = await open(browser, 390, 844, 'dark');
  const { page, faults } = window;
  const ask = async (question) => {
    await page.fill('#question', question);
    await page.press('#question', 'Enter');
  };
  await until(page, () => document.querySelector('#live').textContent === 'Live' && document.querySelectorAll('.row').length > 4);
  await until(page, () => document.querySelectorAll('.odds i.won, .chip, .chair, .receipt, #balance-list tr').length > 20);
  await until(page, () => document.querySelector('#supply').innerText.includes('Every coin is accounted for'));
  await until(page, () => document.querySelector('#model').value === 'tinyllama-1.1b-chat');

  await ask('What is the capital of France?');
  await until(page, () => document.querySelector('.theirs.good')?.innerText.includes('Valid — paid'));
  if (await page.locator('main img, .answer b, main script').count()) throw new Error("elements were made of a model's output");
  await ask('Ask the liar');
  await until(page, () => document.querySelector('.theirs.bad')?.innerText.includes('Invalid — refunded') && document.querySelector('.theirs.bad .cost').innerText === 'Nothing paid');
  await ask('fail please');
  await until(page, () => document.querySelector('.theirs.failed')?.innerText.includes('connection lost after 6 tokens. Ask again'));
  await sound(window, 'after an answer that failed');

  await ask('broke');
  await until(page, () => document.querySelector('.theirs.failed:last-child')?.innerText.includes('Send FAI to this node'));
  await until(page, () => document.querySelectorAll('#addresses dd').length === 2);
  // The one fault that there must be: the refusal itself, and the browser's word for it.
  const refused = faults.splice(0);
  if (!refused.length || refused.some((f) => !f.includes('402'))) throw new Error(`faults ${refused.join('\n')}`);

  await page.selectOption('#model', 'stories15m');
  await tell('withdraw');
  await ask('Are you there?');
  await until(page, () => document.querySelector('.theirs.failed:last-child')?.innerText.includes('Choose another model'));
  await until(page, () => document.querySelector('#model').value === 'tinyllama-1.1b-chat' && document.querySelectorAll('#model option').length === 1);
  faults.length = 0;
  await tell('offer');

  // While the page reads everything again its list of blocks comes late: events are then ahead of it, and must not be lost.
  const newer = (n) => [...document.querySelectorAll('.chip:not(.next)')].some((e) => Number(e.textContent) > n);
  let height;
  await page.route(/\/api\/inference\/blocks/, async (route) => {
    const response = await route.fetch();
    [{ height }] = await response.json();
    await until(page, newer, height);
    await route.fulfill({ response });
  });
  const begun = () => document.querySelector('.theirs:last-child .answer').textContent.startsWith('Paris');
  await ask('Now hang');
  await until(page, begun);
  await tell('cut');
  await until(page, () => document.querySelector('.theirs.failed:last-child')?.innerText.includes('The connection to this node ended before the answer did'));
  await until(page, () => document.querySelector('#live').textContent === 'Reconnecting');
  await tell('mend');
  await until(page, () => document.querySelector('#live').textContent === 'Live' && document.querySelectorAll('#model option').length === 2);
  await until(page, newer, height + 3);
  const gaps = await page.evaluate(async () => {
    const { state } = await import('/static/store.js');
    return [...state.blocks.keys()].filter((h, i, all) => i > 0 && h !== all[i - 1] + 1);
  });
  if (gaps.length) throw new Error(`blocks are missing before ${gaps.join(', ')}`);
  await page.unroute(/\/api\/inference\/blocks/);
  faults.length = 0;
  await sound(window, 'after it was cut off');

  await page.click('.theirs:last-child button');
  await until(page, begun);
  await page.click('#go');
  await until(page, () => document.querySelector('.theirs.failed:last-child')?.innerText.includes('Stopped.') && document.querySelector('#go').textContent === 'Ask');

  // Everything that opens is open, at both widths.
  await page.evaluate(() => document.querySelectorAll('details').forEach((d) => (d.open = true)));
  await until(page, () => document.querySelector('.row .bars') && document.querySelector('.receipt .facts') && document.querySelector('.theirs.good .facts'));
  await sound(window, 'all opened');
  window.width = 1280;
  await page.setViewportSize({ width: window.width, height: 860 });
  await sound(window, 'at a desk');
});
