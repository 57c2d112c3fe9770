// What every script that looks at the page shares: a headless Chromium, windows that are watched for faults, waiting for
// conditions, and a word with the test that started it.
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const [url, executablePath] = process.argv.slice(2);
const contrast = 4.5; // of text, WCAG's level AA
const finger = 40; // least width and height of what is tapped, in px
const patience = 60_000; // for one condition, in ms; only a broken page takes so long
const lines = createInterface({ input: process.stdin });
const answers = lines[Symbol.asyncIterator]();
process.stdin.on('end', () => process.exit(1)); // the test is gone; the browser goes with this process

/** Has the test do what it calls by this word, and waits until it is done. */
export async function tell(word) {
  console.log('do ' + word);
  if ((await answers.next()).done) throw new Error(`the test went away at ${word}`);
}

/** Says in the test's log how far the script has come, and when. */
export function passed(what) {
  console.log(`${(performance.now() / 1000).toFixed(2)}s ${what}`);
}

/** Runs f with a browser of its own, whose profile is new. */
export async function drive(f) {
  const browser = await chromium.launch({
    executablePath, timeout: patience,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
  });
  try {
    await f(browser);
  } finally {
    await browser.close();
    lines.close();
  }
}

// Chromium calls a stream that isn't cached aborted once a script has read it, whoever serves it. Of one that really broke
// off the page itself says so.
const streamed = (r) => r.url().endsWith('/v1/chat/completions') && r.failure().errorText === 'net::ERR_ABORTED';

/** Opens the page in a window of its own. Its faults are what no page may have: console errors, exceptions, failed requests. */
export async function open(browser, width, height, colorScheme) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme, reducedMotion: 'reduce' }); // drawn when something changes
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const faults = [];
  page.on('console', (m) => ['error', 'warning'].includes(m.type()) && faults.push(`console: ${m.text()}`));
  page.on('pageerror', (e) => faults.push(`exception: ${e.message}`));
  page.on('requestfailed', (r) => streamed(r) || faults.push(`${r.method()} ${r.url()}: ${r.failure().errorText}`));
  page.on('response', (r) => r.status() >= 400 && faults.push(`${r.request().method()} ${r.url()}: ${r.status()}`));
  await page.goto(url);
  return { page, faults, width };
}

/** Waits until f is true in the page, looking at every frame, and returns what it gave. */
export async function until(page, f, arg) {
  try {
    return await (await page.waitForFunction(f, arg)).jsonValue();
  } catch (e) {
    const text = await page.evaluate(() => document.body.innerText).catch(() => 'nothing');
    throw new Error(`never came true: ${f} with ${JSON.stringify(arg)}\nThe page reads: ${text.slice(0, 3000)}`, { cause: e });
  }
}

/** Presses a key until the focus is where it is wanted, and fails if it doesn't come there. */
export async function tabTo(page, selector, key = 'Tab') {
  const passed = [];
  for (let i = 0; i < 80; i++) {
    await page.keyboard.press(key);
    const [there, at] = await page.evaluate((s) => {
      const e = document.activeElement;
      return [e.matches(s), e.id || e.textContent.slice(0, 20) || e.tagName];
    }, selector);
    if (there) return;
    passed.push(at);
  }
  throw new Error(`${key} never reached ${selector}; it passed ${passed.join(', ')}`);
}

/** Texts in the page that stand out from their ground by less than a ratio (WCAG 2.2, 1.4.3), each with its own. */
function faint(least) {
  const once = (f, known = new Map()) => (x) => known.get(x) ?? known.set(x, f(x)).get(x);
  const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const parts = once((colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
    return { rgb: [r, g, b], a: a / 255 };
  });
  const over = ({ rgb, a }, opacity, under) => rgb.map((v, i) => v * a * opacity + under[i] * (1 - a * opacity));
  const ground = once((e) => {
    const under = e.parentElement ? ground(e.parentElement) : { rgb: [255, 255, 255], opacity: 1 };
    const style = getComputedStyle(e);
    return { rgb: over(parts(style.backgroundColor), 1, under.rgb), opacity: under.opacity * style.opacity };
  });
  const luminance = (rgb) => rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const found = new Set();
  for (const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT); texts.nextNode();) {
    const e = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !e.checkVisibility() || e.closest('.hidden, noscript, :disabled')) continue;
    const { rgb, opacity } = ground(e);
    const [dark, light] = [luminance(rgb), luminance(over(parts(getComputedStyle(e).color), opacity, rgb))].sort((x, y) => x - y);
    const ratio = (light + 0.05) / (dark + 0.05);
    if (ratio < least) found.add(`${e.tagName} ${e.className} "${e.textContent.slice(0, 20)}" has a contrast of ${ratio.toFixed(2)}`);
  }
  return [...found];
}

/** Holds a window to what is true of it in every state, by day and by night. */
export async function sound({ page, faults, width }, state) {
  const small = await page.evaluate((least) => [...document.querySelectorAll('a, button, select, summary, textarea')]
    .map((e) => [e, e.getBoundingClientRect()]).filter(([, r]) => r.width > 0 && (r.width < least || r.height < least))
    .map(([e, r]) => `${e.id || e.textContent.slice(0, 20)} is ${r.width} by ${r.height} px, less than a finger's ${least}`), finger);
  faults.push(...small);
  const grounds = new Set();
  for (const colorScheme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme });
    grounds.add(await page.evaluate(() => getComputedStyle(document.body).backgroundColor));
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    faults.push(...await page.evaluate(faint, contrast));
    if (wide > width) faults.push(`the page is ${wide} px wide in a window of ${width}`);
  }
  if (grounds.size < 2) faults.push('light and dark look the same');
  if (faults.length) throw new Error(`${state}, at ${width} px: ${faults.join('\n')}`);
  passed(`${state}, at ${width} px`);
}
