// Keeps the token while this tab is open, so that a reload stays signed in. A browser may forbid it.

const KEY = 'stack-token';

/** The token that this tab was signed in with, or nothing. */
export function recall() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

export function remember(token) {
  try {
    sessionStorage.setItem(KEY, token);
  } catch { /* then a reload asks for it again */ }
}

export function forget() {
  try {
    sessionStorage.removeItem(KEY);
  } catch { /* nothing was kept */ }
}
