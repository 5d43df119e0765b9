// One WebSocket that speaks the server's protocol and comes back by itself; touches no page.
// The wire is described in docs/protocol.md.

const FIRST_DELAY = 300; // milliseconds
const LONGEST_DELAY = 20_000;
const PING_INTERVAL = 5_000;
const REPLY_TIMEOUT = 8_000;
const TERMINAL = 3500; // from this close code on, trying again by oneself is pointless

const CLOSES = {
  1000: 'You closed the connection.',
  1001: 'The page or the server went away.',
  1006: 'The connection broke, or was never made. A browser does not say why; is the server up?',
  1009: 'A message was larger than the server allows.',
  3000: 'The connection was closed.',
  3001: 'The server is shutting down or restarting.',
  3004: 'The server made a mistake.',
  3005: 'The token has expired.',
  3008: 'This page read too slowly.',
  3012: 'This page did not answer the server’s ping.',
  3500: 'The server does not accept the token.',
  3501: 'The server did not understand this page.',
  3502: 'No token was presented in time.',
};

/** A close code in plain words, with the server's own reason when it says more. */
export function explainClose(code, reason = '') {
  const words = CLOSES[code] ?? 'The connection was closed.';
  const detail = reason.includes(': ') ? reason.slice(reason.indexOf(': ') + 2) : '';
  return detail ? `${words} It says: ${detail}.` : words;
}

/** Milliseconds before the next attempt: doubling, capped, and spread so that nobody comes at once. */
export function backoff(attempt, random = Math.random) {
  const ceiling = Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
  return ceiling / 2 + (random() * ceiling) / 2;
}

/** An error reply of the server: `code` and `message` as in docs/protocol.md. */
export class ReplyError extends Error {
  constructor({ code, message, temporary = false }) {
    super(message);
    this.code = code;
    this.temporary = temporary;
  }
}

/**
 * Events, each with a `detail`: `state` {state, text, delay}, `welcome` {client, ttl, …},
 * `publication` {channel, pub}, `latency` milliseconds, `closed` {code, reason, text, wasOpen},
 * `problem` {text}: nothing more happens until `connect` is called again.
 */
export class Realtime extends EventTarget {
  #url;
  #socket = null;
  #token = '';
  #attempt = 0;
  #nextId = 1;
  #waiting = new Map();
  #timers = { retry: 0, ping: 0 };

  constructor(url) {
    super();
    this.#url = url;
  }

  /** Connects with the token, and again whenever the connection is lost. */
  connect(token) {
    this.disconnect();
    this.#token = token;
    this.#attempt = 0;
    this.#open();
  }

  /** Closes, and stays closed. */
  disconnect() {
    clearTimeout(this.#timers.retry);
    const socket = this.#socket;
    this.#token = '';
    if (socket) {
      this.#forget();
      socket.close(1000);
    }
    this.#say('state', { state: 'idle', text: 'Not connected' });
  }

  subscribe(channel) { return this.#ask('subscribe', { channel }); }
  unsubscribe(channel) { return this.#ask('unsubscribe', { channel }); }
  publish(channel, data) { return this.#ask('publish', { channel, data }); }

  #open() {
    this.#say('state', { state: 'busy', text: 'Connecting…' });
    const socket = new WebSocket(this.#url, ['centrifuge-json']);
    this.#socket = socket;
    socket.onopen = () => this.#signIn();
    socket.onmessage = (event) => this.#received(event.data);
    socket.onclose = (event) => { if (socket === this.#socket) this.#lost(event.code, event.reason); };
  }

  async #signIn() {
    const socket = this.#socket;
    try {
      const welcome = await this.#ask('connect', { token: this.#token });
      this.#attempt = 0;
      this.#say('state', { state: 'open', text: 'Connected' });
      this.#say('welcome', welcome);
      this.#timers.ping = setInterval(() => this.#measure(), PING_INTERVAL);
      this.#measure();
    } catch (error) {
      if (socket !== this.#socket) return; // closed meanwhile: #lost has said so
      this.#giveUp(error.code === 109 ? 'The token has expired. Mint a new one.' : `Signing in failed: ${error.message}.`);
    }
  }

  #giveUp(text) {
    const socket = this.#socket;
    this.#forget();
    socket?.close(1000);
    this.#say('state', { state: 'failed', text: 'Not connected' });
    this.#say('problem', { text });
  }

  async #measure() {
    const started = performance.now();
    try {
      await this.#ask('ping', {});
      this.#say('latency', performance.now() - started);
    } catch { /* the close says more */ }
  }

  #ask(method, params) {
    const socket = this.#socket;
    if (socket?.readyState !== WebSocket.OPEN) return Promise.reject(new Error('not connected'));
    const id = this.#nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.delete(id);
        reject(new Error('the server did not answer'));
      }, REPLY_TIMEOUT);
      this.#waiting.set(id, { method, resolve, reject, timer });
      socket.send(JSON.stringify({ id, [method]: params }));
    });
  }

  #received(text) {
    for (const line of text.split('\n').filter(Boolean)) {
      const reply = JSON.parse(line);
      if (reply.id) this.#answer(reply);
      else if (reply.push?.pub) this.#say('publication', { channel: reply.push.channel, pub: reply.push.pub });
      else if (Object.keys(reply).length === 0) this.#socket.send('{}'); // ping, pong
    }
  }

  #answer(reply) {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return;
    this.#waiting.delete(reply.id);
    clearTimeout(waiting.timer);
    if (reply.error) waiting.reject(new ReplyError(reply.error));
    else waiting.resolve(reply[waiting.method]);
  }

  #lost(code, reason) {
    const wasOpen = this.#timers.ping !== 0;
    this.#forget();
    const text = explainClose(code, reason);
    this.#say('closed', { code, reason, text, wasOpen });
    if (code >= TERMINAL && code < 4000) {
      this.#say('state', { state: 'failed', text: 'Not connected' });
      this.#say('problem', { text });
      return;
    }
    const delay = backoff(this.#attempt++);
    this.#say('state', { state: 'busy', text: `Reconnecting in ${(delay / 1000).toFixed(1)} s`, delay });
    this.#timers.retry = setTimeout(() => this.#open(), delay);
  }

  #forget() {
    this.#socket = null;
    clearInterval(this.#timers.ping);
    this.#timers.ping = 0;
    for (const { reject, timer } of this.#waiting.values()) {
      clearTimeout(timer);
      reject(new Error('the connection was closed'));
    }
    this.#waiting.clear();
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
