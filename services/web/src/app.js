// The page: shows what the connection and the channel report, and passes on what you type. Text only
// ever goes in as text.

import { Centrifuge } from 'centrifuge';

import { Room } from './room.js';
import { claimsOf, explainClose, explainError, timeLeft } from './words.js';

const LONGEST_LOG = 500; // entries
const WARNING = 30; // seconds before the end of a token
const LABELS = { connected: 'Connected', connecting: 'Connecting…', disconnected: 'Not connected' };
const LOOKS = { connected: 'open', connecting: 'busy', disconnected: 'idle' };

const $ = (id) => document.getElementById(id);
const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
const page = { token: '', client: '', wasConnected: false, waiting: null };

const centrifuge = new Centrifuge(url, {
  getToken: askForToken, minReconnectDelay: 200, maxReconnectDelay: 10_000,
});
const room = new Room(centrifuge);

/* The connection */

centrifuge.on('state', ({ newState }) => {
  setLook(LOOKS[newState]);
  $('state-text').textContent = LABELS[newState];
  $('disconnect').disabled = newState === 'disconnected';
  refresh();
});

centrifuge.on('connected', ({ client }) => {
  page.client = client;
  $('fact-client').textContent = client;
  showProblem('');
  if (page.wasConnected) note('Connected again.');
  page.wasConnected = true;
});

centrifuge.on('connecting', ({ code, reason }) => {
  if (!page.wasConnected || code === 0) return;
  showClose(code, reason);
  note(`Connection lost. ${explainClose(code, reason)}`);
});

centrifuge.on('disconnected', ({ code, reason }) => {
  forgetWaiting();
  if (code === 0) return;
  showClose(code, reason, true);
  setLook('failed');
  showProblem(explainClose(code, reason, true));
  $('token').focus({ preventScroll: true });
});

/** Called when the token ends or has ended: waits for you to paste another one. */
function askForToken() {
  showProblem('The token ends. Mint a new one, paste it here and press Connect: nothing is lost.');
  $('connect').textContent = 'Use this token';
  $('token').select();
  return new Promise((resolve, reject) => { page.waiting = { resolve, reject }; });
}

function forgetWaiting() {
  page.waiting?.reject(new Error('disconnected'));
  page.waiting = null;
  $('connect').textContent = 'Connect';
}

function useToken(token) {
  page.token = token;
  showProblem('');
  showExpiry();
  if (page.waiting) {
    const { resolve } = page.waiting;
    page.waiting = null;
    $('connect').textContent = 'Connect';
    resolve(token);
    return;
  }
  page.wasConnected = false;
  centrifuge.disconnect();
  centrifuge.setToken(token);
  centrifuge.connect();
}

function showExpiry() {
  const { exp } = claimsOf(page.token);
  if (!exp) return;
  const left = exp - Date.now() / 1000;
  $('fact-expiry').textContent = `${new Date(exp * 1000).toLocaleTimeString()}, ${timeLeft(left)}`;
  $('fact-expiry').classList.toggle('soon', left < WARNING);
}

/* The channel */

room.addEventListener('joined', ({ detail: { channel, recovered, wasRecovering } }) => {
  if (!wasRecovering) note(`Subscribed to ${channel}.`);
  else if (recovered) note('Nothing was missed.');
  else note('Something may have been missed: the server keeps it no longer.');
  refresh();
  $('message').focus({ preventScroll: true });
});

room.addEventListener('failed', ({ detail: { channel, error } }) => {
  if (error.code !== 103) return; // the SDK tries again by itself, or says why it does not
  note(`Not subscribed: ${explainError(error)}. stack token --channel ${channel}`);
});

room.addEventListener('left', ({ detail: { channel, code, reason } }) => {
  const words = explainError({ code, message: reason });
  note(`Not subscribed to ${channel}: ${words}.${code === 103 ? ` stack token --channel ${channel}` : ''}`);
  refresh();
});

room.addEventListener('message', ({ detail: { pub, isOld } }) => {
  const isOwn = pub.info?.client === page.client;
  const by = element('span', 'by');
  by.append(element('span', '', isOwn ? 'you' : (pub.info?.user ?? 'server')));
  if (pub.offset) by.append(element('span', 'offset', `#${pub.offset}`));
  by.append(element('time', '', isOld ? 'earlier' : new Date().toLocaleTimeString()));
  const text = typeof pub.data === 'string' ? pub.data : JSON.stringify(pub.data, null, 2);
  addEntry(`${isOwn ? 'own' : ''} ${isOld ? 'old' : ''}`.trim(), by, element('div', 'body', text));
  if (pub.offset) $('fact-offset').textContent = `#${pub.offset}`;
});

room.addEventListener('people', ({ detail: people }) => {
  const counts = new Map();
  for (const user of people.values()) counts.set(user, (counts.get(user) ?? 0) + 1);
  const chips = [...counts].sort().map(([user, count]) => {
    const chip = element('li', people.get(page.client) === user ? 'me' : '', user);
    if (count > 1) chip.append(element('span', 'count', `×${count}`));
    return chip;
  });
  $('people').replaceChildren(...chips);
  $('people').hidden = chips.length === 0;
});

/* What you do */

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  useToken($('token').value.trim());
});

$('token').addEventListener('keydown', (event) => {
  if (event.key === 'Enter') {
    event.preventDefault(); // a token has no lines
    $('sign-in').requestSubmit();
  }
});

$('disconnect').addEventListener('click', () => {
  room.leave();
  centrifuge.disconnect();
  note('You closed the connection.');
});

$('subscribe').addEventListener('submit', (event) => {
  event.preventDefault();
  if (room.channel) {
    note(`Unsubscribed from ${room.channel}.`);
    room.leave();
  } else {
    room.enter($('channel').value.trim());
  }
  refresh();
});

$('publish').addEventListener('submit', async (event) => {
  event.preventDefault();
  if ($('send').disabled) return; // Enter submits although the button is off
  const text = $('message').value;
  try {
    const milliseconds = await room.speak(text);
    $('fact-latency').textContent = `${milliseconds.toFixed(1)} ms`;
    if ($('message').value === text) $('message').value = '';
  } catch (error) {
    note(`Not sent: ${explainError(error)}.`);
  }
});

$('copy').addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText($('command').textContent);
    $('copy').textContent = 'Copied';
  } catch { // only allowed on https and localhost: select it instead
    getSelection().selectAllChildren($('command'));
    $('copy').textContent = 'Selected';
  }
  setTimeout(() => { $('copy').textContent = 'Copy'; }, 1500);
});

/* The page itself */

function refresh() {
  const isConnected = centrifuge.state === 'connected';
  const isIn = room.channel !== '';
  $('toggle').disabled = !isConnected && !isIn;
  $('toggle').textContent = isIn ? 'Unsubscribe' : 'Subscribe';
  $('channel').readOnly = isIn;
  $('send').disabled = !(isConnected && isIn);
}

function setLook(look) {
  $('state').dataset.state = look;
  document.body.dataset.state = look;
}

function showClose(code, reason, isFinal = false) {
  const words = explainClose(code, reason, isFinal);
  $('fact-close').textContent = code < 1000 ? words : `${code} – ${words}`;
}

function showProblem(text) {
  $('problem').textContent = text;
  $('problem').hidden = text === '';
}

function note(text) {
  addEntry('note', text);
}

function addEntry(className, ...children) {
  const log = $('log');
  const isAtEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const entry = element('li', className);
  entry.append(...children);
  log.append(entry);
  while (log.childElementCount > LONGEST_LOG) log.firstElementChild.remove();
  $('empty').hidden = true;
  if (isAtEnd) log.scrollTop = log.scrollHeight;
}

function element(name, className, text = '') {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Takes the token out of `#token=…`, and the fragment out of the address bar and the history. */
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return;
  history.replaceState(null, '', location.pathname + location.search);
  $('token').value = token;
  useToken(token);
}

$('origin').textContent = location.origin;
$('fact-url').textContent = url;
setInterval(showExpiry, 1000);
takeTokenFromAddress();
addEventListener('hashchange', takeTokenFromAddress);
