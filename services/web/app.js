// The page: shows what realtime.js reports and passes on what you type. Text only ever goes in as text.

import { Realtime } from './realtime.js';

const LONGEST_LOG = 500; // entries

const $ = (id) => document.getElementById(id);
const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/ws`;
const realtime = new Realtime(url);
const page = { isOpen: false, client: '', subscribed: '' };

/* What the connection reports */

realtime.addEventListener('state', ({ detail: { state, text } }) => {
  page.isOpen = state === 'open';
  $('state').dataset.state = state;
  $('state-text').textContent = text;
  $('disconnect').disabled = state === 'idle' || state === 'failed';
  if (!page.isOpen) $('fact-latency').textContent = '–';
  refresh();
});

realtime.addEventListener('welcome', ({ detail: { client, ttl } }) => {
  page.client = client;
  showProblem('');
  $('fact-client').textContent = client;
  const end = new Date(Date.now() + ttl * 1000);
  const isToday = end.toDateString() === new Date().toDateString();
  $('fact-expiry').textContent = isToday ? end.toLocaleTimeString() : end.toLocaleString();
  const channel = page.subscribed;
  page.subscribed = '';
  if (channel) subscribe(channel); // it is not remembered by the server
});

realtime.addEventListener('latency', ({ detail }) => {
  $('fact-latency').textContent = `${detail.toFixed(1)} ms`;
});

realtime.addEventListener('closed', ({ detail: { code, text, wasOpen } }) => {
  if (code === 1006 && !wasOpen) return; // one more attempt that failed: the first close says more
  $('fact-close').textContent = `${code} – ${text}`;
  if (wasOpen) note(`Connection lost (${code}). ${text}`);
});

realtime.addEventListener('problem', ({ detail: { text } }) => {
  page.subscribed = '';
  showProblem(text);
  refresh();
  $('token').focus({ preventScroll: true });
});

realtime.addEventListener('publication', ({ detail: { channel, pub } }) => {
  const isOwn = pub.info?.client === page.client;
  const by = element('span', 'by');
  by.append(
    element('span', '', isOwn ? 'you' : (pub.info?.user ?? 'server')),
    element('span', '', channel),
    element('time', '', new Date().toLocaleTimeString()),
  );
  const text = typeof pub.data === 'string' ? pub.data : JSON.stringify(pub.data, null, 2);
  addEntry(isOwn ? 'own' : '', by, element('div', 'body', text));
});

/* What you do */

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  showProblem('');
  realtime.connect($('token').value.trim());
});

$('token').addEventListener('keydown', (event) => {
  if (event.key === 'Enter') {
    event.preventDefault(); // a token has no lines
    $('sign-in').requestSubmit();
  }
});

$('disconnect').addEventListener('click', () => {
  page.subscribed = '';
  realtime.disconnect();
  note('You closed the connection.');
});

$('subscribe').addEventListener('submit', (event) => {
  event.preventDefault();
  if (page.subscribed) unsubscribe(page.subscribed);
  else subscribe($('channel').value.trim());
});

$('publish').addEventListener('submit', async (event) => {
  event.preventDefault();
  if ($('send').disabled) return; // Enter submits although the button is off
  try {
    await realtime.publish(page.subscribed, $('message').value);
    $('message').value = '';
  } catch (error) {
    note(`Not sent: ${error.message}.`);
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

async function subscribe(channel) {
  if (!page.isOpen) return;
  try {
    await realtime.subscribe(channel);
    page.subscribed = channel;
    note(`Subscribed to ${channel}.`);
    $('message').focus({ preventScroll: true });
  } catch (error) {
    const hint = error.code === 103 ? ` The token does not name it: stack token --channel ${channel}` : '';
    note(`Not subscribed to ${channel}: ${error.message}.${hint}`);
  }
  refresh();
}

async function unsubscribe(channel) {
  try {
    await realtime.unsubscribe(channel);
    page.subscribed = '';
    note(`Unsubscribed from ${channel}.`);
  } catch (error) {
    note(`Still subscribed: ${error.message}.`);
  }
  refresh();
}

/* The page itself */

function refresh() {
  const isSubscribed = page.subscribed !== '';
  $('toggle').disabled = !page.isOpen;
  $('toggle').textContent = isSubscribed ? 'Unsubscribe' : 'Subscribe';
  $('channel').readOnly = isSubscribed;
  $('send').disabled = !(page.isOpen && isSubscribed);
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
  realtime.connect(token);
}

$('origin').textContent = location.origin;
$('fact-url').textContent = url;
takeTokenFromAddress();
addEventListener('hashchange', takeTokenFromAddress);
