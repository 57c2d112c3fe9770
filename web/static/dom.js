// Building the page. Text is only ever set as text: model output, names and error messages are hostile.

/** Makes an element. props: class, title, attributes; "on" holds event handlers. Children are nodes or text. */
export function el(tag, props = {}, ...kids) {
  const e = document.createElement(tag);
  for (const [k, v] of Object.entries(props)) {
    if (v === undefined || v === null || v === false) continue;
    if (k === 'on') for (const [name, f] of Object.entries(v)) e.addEventListener(name, f);
    else if (k === 'class') e.className = v;
    else e.setAttribute(k, v === true ? '' : v);
  }
  put(e, ...kids);
  return e;
}

/** Replaces the children of e. */
export function put(e, ...kids) {
  e.replaceChildren(...kids.flat().filter((k) => k !== undefined && k !== null && k !== false));
  return e;
}

/** Sets text only if it changed, so that screen readers and selections are left alone. */
export function text(e, s) {
  if (e.textContent !== s) e.textContent = s;
  return e;
}

const shown = new WeakMap(); // parent -> its children by key

/** Shows items as children of parent, each kept under its key: make(item) returns an element with an update(item). */
export function keyed(parent, items, key, make) {
  const old = shown.get(parent) ?? new Map();
  const rows = new Map();
  for (const item of items) {
    const k = key(item);
    const e = old.get(k) ?? make(item);
    old.delete(k);
    e.update(item);
    rows.set(k, e);
  }
  for (const e of old.values()) e.remove();
  let at = parent.firstElementChild;
  for (const e of rows.values()) {
    if (e === at) at = at.nextElementSibling;
    else parent.insertBefore(e, at);
  }
  shown.set(parent, rows);
}

export const $ = (id) => document.getElementById(id);
