// The page: shows what the connection and the channel report, and passes on what you type. Text only
// ever goes in as text.

import { Centrifuge } from 'centrifuge';

import { forget, recall, remember } from './memory.js';
import { Room } from './room.js';
import { nextStep } from './steps.js';
import { $, addEntry, commandBox, setLoud, setReason, showPeople, showProblem, takeCopies } from './view.js';
import {
  channelsOf, claimsOf, explainClose, explainError, isAboutToken, mintCommand, timeLeft, tokenIn,
} from './words.js';

const WARNING = 30; // seconds before the end of a token
const PATIENCE = 2; // connections that fail before the page says that the server is away
const LABELS = { connected: 'Connected', connecting: 'Connecting…', disconnected: 'Not connected' };
const LOOKS = { connected: 'open', connecting: 'busy', disconnected: 'idle' };
const EMPTY = 'Paste an address that “make up” printed, or a token.';

const { host, origin } = location;
// Where a proxy blocks the upgrade, the SDK goes on to the next one by itself.
const places = [
  { transport: 'websocket', endpoint: `${location.protocol === 'https:' ? 'wss' : 'ws'}://${host}/ws` },
  { transport: 'http_stream', endpoint: `${origin}/connection/http_stream` },
  { transport: 'sse', endpoint: `${origin}/connection/sse` },
];
// waiting: the promise of a token; isNew: the token's channel is to be entered; failures: in a row
const page = {
  token: '', client: '', wasConnected: false, waiting: null, isNew: false, failures: 0, others: [],
  hasSpoken: false,
};

const centrifuge = new Centrifuge(places, {
  getToken: askForToken, minReconnectDelay: 200, maxReconnectDelay: 3_000,
});
const room = new Room(centrifuge);

/* The connection */

centrifuge.on('state', ({ newState }) => {
  setLook(LOOKS[newState]);
  $('state-text').textContent = LABELS[newState];
  refresh();
});

centrifuge.on('connected', ({ client, transport }) => {
  page.client = client;
  showPlace(transport);
  page.failures = 0;
  $('fact-client').textContent = client;
  showProblem('');
  if (page.wasConnected) note('Connected again.');
  page.wasConnected = true;
  if (page.isNew) enterOwnChannel();
});

centrifuge.on('error', ({ type }) => {
  if (type !== 'transport') return; // the SDK goes on by itself, or ends with a code
  page.failures += 1;
  if (page.failures !== PATIENCE) return; // said once
  showProblem('The server does not answer. Start it in the folder of stack; this page goes on by itself:', 'make up');
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
  const words = explainClose(code, reason, true);
  if (isAboutToken(code)) showProblem(`${words} Mint a token in the folder of this stack, and paste it here:`, mint());
  else showProblem(`${words} Press Connect to try again.`);
  $('token').select();
});

/** Called when the token ends or has ended: waits for you to paste another one. */
function askForToken() {
  const has = page.wasConnected ? 'The token ends.' : 'The token has expired.';
  showProblem(`${has} Mint a new one in the folder of stack, and paste it here: nothing is lost.`, mint());
  const token = new Promise((resolve, reject) => { page.waiting = { resolve, reject }; });
  refresh();
  $('token').select();
  return token;
}

function forgetWaiting() {
  page.waiting?.reject(new Error('disconnected'));
  page.waiting = null;
}

function useToken(token) {
  const { sub } = claimsOf(page.token);
  const isSame = centrifuge.state === 'connected' && claimsOf(token).sub === sub;
  const { waiting } = page;
  page.token = token;
  remember(token);
  $('token').value = token;
  showProblem('');
  showToken();
  if (waiting && (isSame || !page.wasConnected)) {
    page.waiting = null;
    page.isNew ||= !isSame;
    waiting.resolve(token);
    refresh();
    return;
  }
  room.leave();
  Object.assign(page, { wasConnected: false, isNew: true, failures: 0 });
  centrifuge.disconnect();
  centrifuge.setToken(token);
  centrifuge.connect();
}

function showToken() {
  const claims = claimsOf(page.token);
  const names = [claims.channels ?? []].flat().join(', ');
  $('user').textContent = claims.sub ?? 'somebody';
  $('opens').textContent = names ? ` The token opens ${names}.` : ' The token names no channel.';
  $('channel').value = channelsOf(claims).some || $('channel').value;
  showExpiry();
}

function showExpiry() {
  const { exp } = claimsOf(page.token);
  if (!exp) return;
  const left = exp - Date.now() / 1000;
  $('fact-expiry').textContent = `${new Date(exp * 1000).toLocaleTimeString()}, ${timeLeft(left)}`;
  $('fact-expiry').classList.toggle('soon', left < WARNING);
}

/** The command for another token like this one. */
function mint(channel = '') {
  const claims = claimsOf(page.token);
  return mintCommand(claims.sub ?? 'alice', channel || [claims.channels ?? []].flat()[0] || 'room:1');
}

/* The channel */

/** Enters the channel that the token names; where it names a family, you choose. */
function enterOwnChannel() {
  page.isNew = false;
  const { whole } = channelsOf(claimsOf(page.token));
  if (whole) room.enter(whole);
  refresh();
}

room.addEventListener('joined', ({ detail: { channel, recovered, wasRecovering } }) => {
  if (!wasRecovering) note(`Subscribed to ${channel}.`);
  else if (recovered) note('Nothing was missed.');
  else note('Something may have been missed: the server keeps it no longer.');
  refresh();
  $('message').focus({ preventScroll: true });
});

// The next step is to send, and on a phone that is further down.
room.addEventListener('settled', () => $('send').scrollIntoView({ block: 'nearest' }));

room.addEventListener('left', ({ detail: { channel, code, reason } }) => {
  const words = explainError({ code, message: reason });
  if (code === 103) note(`Not subscribed to ${channel}: ${words}. Mint one that does, and sign in with it:`, mint(channel));
  else note(`Not subscribed to ${channel}: ${words}.`);
  refresh();
});

room.addEventListener('waits', refresh);

room.addEventListener('person', ({ detail: { client, user, isHere } }) => {
  if (client !== page.client) note(`${user} ${isHere ? 'is here' : 'left'}.`);
});

room.addEventListener('message', ({ detail: { pub, isOld } }) => {
  const isOwn = pub.info?.client === page.client;
  page.hasSpoken ||= !isOld;
  addEntry({ pub, isOld, by: isOwn ? 'you' : (pub.info?.user ?? 'server'), isOwn });
  if (pub.offset) $('fact-offset').textContent = `#${pub.offset}`;
  refresh();
});

room.addEventListener('people', ({ detail: people }) => {
  const others = [...people].filter(([client]) => client !== page.client).map(([, user]) => user);
  page.others = [...new Set(others)].sort();
  showPeople([...people.values()], people.get(page.client));
  refresh();
});

/* What you do */

$('sign-in').addEventListener('submit', (event) => {
  event.preventDefault();
  useToken(tokenIn($('token').value));
});

$('token').addEventListener('keydown', (event) => {
  if (event.key === 'Enter') {
    event.preventDefault(); // a token has no lines
    $('sign-in').requestSubmit();
  }
});

$('token').addEventListener('invalid', () => $('token').setCustomValidity(EMPTY));
$('token').addEventListener('input', () => $('token').setCustomValidity(''));

$('sign-out').addEventListener('click', () => {
  room.leave();
  centrifuge.disconnect();
  forget();
  page.token = '';
  $('token').value = '';
  showProblem('');
  note('You signed out.');
  refresh();
  $('token').focus({ preventScroll: true });
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
  const text = $('message').value;
  try {
    const milliseconds = await room.speak(text);
    $('fact-latency').textContent = `${milliseconds.toFixed(1)} ms`;
    if ($('message').value === text) $('message').value = '';
  } catch (error) {
    note(`Not sent: ${explainError(error)}.`);
  }
});

/* The page itself */

function refresh() {
  const { sub } = claimsOf(page.token);
  const needsToken = page.waiting !== null;
  const { step, loud, subscribe, send, hint } = nextStep({
    connection: centrifuge.state, needsToken, channel: room.channel,
    isSubscribed: room.isSubscribed, user: sub, others: page.others,
    hasSpoken: page.hasSpoken,
  });
  const isIn = room.channel !== '';
  const isSigningIn = step === 'sign-in' || needsToken;
  document.body.dataset.step = step;
  $('signed-out').hidden = !isSigningIn;
  $('signed-in').hidden = isSigningIn;
  $('connect').textContent = needsToken ? 'Use this token' : 'Connect';
  $('toggle').textContent = isIn ? 'Unsubscribe' : 'Subscribe';
  if (isIn) $('channel').value = room.channel;
  $('channel').readOnly = isIn;
  if ($('empty').textContent !== hint) $('empty').textContent = hint; // it is read out when it changes
  setReason('toggle', isIn ? '' : subscribe);
  setReason('send', send);
  setLoud(loud);
  document.title = isSigningIn || !sub ? 'stack · live channel' : `${sub} · stack`;
}

function setLook(look) {
  $('state').dataset.state = look;
}

function showPlace(name) {
  $('fact-url').textContent = places.find(({ transport }) => transport === name).endpoint;
}

function showClose(code, reason, isFinal = false) {
  const words = explainClose(code, reason, isFinal);
  $('fact-close').textContent = code < 1000 ? words : `${code} – ${words}`;
}

function note(text, command = '') {
  addEntry({ note: text, box: command && commandBox(command) });
}

/** Takes the token out of `#token=…`, and the fragment out of the address bar and the history. */
function takeTokenFromAddress() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return false;
  history.replaceState(null, '', location.pathname + location.search);
  useToken(token);
  return true;
}

$('origin').textContent = origin;
showPlace('websocket');
setInterval(showExpiry, 1000);
addEventListener('hashchange', takeTokenFromAddress);
takeCopies();
refresh();
if (!takeTokenFromAddress() && recall()) useToken(recall());
