// What codes and tokens mean, in plain words. Pure: touches no page and no connection.

// What centrifuge-js says itself, below all close codes: while it comes back, and when it gives up.
const BREAKS = {
  1: 'The connection broke.',
  2: 'Nothing was heard of the server for too long.',
};
const ENDS = {
  1: 'This page could not sign in.',
  2: 'The server speaks another protocol.',
  3: 'A message was larger than the server allows.',
};

const CLOSES = {
  1000: 'The connection was closed.',
  1001: 'The page or the server went away.',
  1009: 'A message was larger than the server allows.',
  3000: 'The connection was closed.',
  3001: 'The server is shutting down or restarting.',
  3004: 'The server made a mistake.',
  3005: 'The token has expired.',
  3008: 'This page read too slowly.',
  3010: 'The server may have missed something; this page asks for it.',
  3012: 'This page did not answer the server’s ping.',
  3014: 'The session was revoked.',
  3500: 'The server does not accept the token.',
  3501: 'The server did not understand this page.',
  3502: 'No token was presented in time.',
  3503: 'The server sent this page away.',
  3504: 'Too many connections.',
};

const ERRORS = {
  100: 'the server cannot do that right now',
  102: 'there can be no such channel',
  103: 'the token does not allow it',
  105: 'already subscribed',
  106: 'a limit is reached',
  108: 'this channel does not offer it',
  109: 'the token has expired',
  111: 'too many requests',
};

/** A close code in plain words, with the server's own reason when it says more. */
export function explainClose(code, reason = '', isFinal = false) {
  const words = (isFinal ? ENDS : BREAKS)[code] ?? CLOSES[code] ?? 'The connection was closed.';
  const detail = reason.includes(': ') ? reason.slice(reason.indexOf(': ') + 2) : '';
  return detail ? `${words} It says: ${detail}.` : words;
}

/** Whether a connection ended because of its token, so that another one helps. */
export function isAboutToken(code) {
  return [1, 3500].includes(code);
}

/** An error reply in plain words. */
export function explainError({ code, message }) {
  return ERRORS[code] ?? message ?? 'it failed';
}

/** The command of this checkout that mints a token for a user and a channel. */
export function mintCommand(user, channel) {
  return `.venv/bin/stack token --sub ${quoted(user)} --channel ${quoted(channel)}`;
}

/** A word as a shell takes it, quoted only where it has to be. */
function quoted(word) {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The token in what was pasted: itself, or in an address; a terminal may have broken its lines. */
export function tokenIn(text) {
  const whole = text.replace(/\s+/g, '');
  return /#(?:.*&)?token=([^&]+)/.exec(whole)?.[1] ?? whole;
}

/** The first channel that the claims name in full, and the first one that they allow at all. */
export function channelsOf({ channels }) {
  const names = Array.isArray(channels) ? channels.filter((name) => typeof name === 'string') : [];
  const whole = names.find((name) => !name.includes('*')) ?? '';
  return { whole, some: whole || (names[0] ?? '').replaceAll('*', '1') };
}

/** The claims of a token, unverified; an empty object for what is none. */
export function claimsOf(token) {
  try {
    const part = token.split('.')[1].replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(part), (sign) => sign.codePointAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) ?? {};
  } catch {
    return {};
  }
}

/** A time to come in words: `in 59 min`, `in 12 s`, or `expired`. */
export function timeLeft(seconds) {
  if (seconds <= 0) return 'expired';
  if (seconds < 120) return `in ${Math.ceil(seconds)} s`;
  if (seconds < 7200) return `in ${Math.floor(seconds / 60)} min`;
  return `in ${Math.floor(seconds / 3600)} h`;
}
