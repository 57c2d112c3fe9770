// The page's beginning.
import { $ } from './dom.js';
import { tick } from './format.js';
import { follow } from './store.js';
import * as chains from './chains.js';
import * as chat from './chat.js';
import * as panels from './panels.js';

$('scripted').hidden = false;
chat.start();
chains.start();
panels.start();
follow();
setInterval(tick, 1000);
