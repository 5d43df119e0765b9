// What you do next, and why something else has to wait. Pure: touches no page and no connection.

/**
 * What the page says for a state of affairs: `step` names it, `loud` the button of the next step
 * (or none, while there is nothing to do but wait), `subscribe` and `send` say why those buttons are
 * off (empty: they are on), `hint` says below the log what to do now (empty: you talk already).
 *
 * `connection` is the SDK's state, `channel` the one entered or empty, `others` who else is there,
 * `hasSpoken` whether anything was said since this page is open.
 */
export function nextStep({ connection, needsToken, channel, isSubscribed, user, others, hasSpoken }) {
  if (connection === 'disconnected') return waiting('sign-in', 'connect', 'Sign in first: step 1.');
  if (connection === 'connecting') {
    const why = needsToken ? 'Sign in first: step 1.' : 'Waiting for the connection.';
    return waiting('connecting', needsToken ? 'connect' : '', why);
  }
  const loud = needsToken ? 'connect' : '';
  if (!channel) {
    return {
      step: 'subscribe', loud: loud || 'toggle', subscribe: '', send: 'Subscribe first: step 2.',
      hint: 'Press Subscribe to see who is there and what is said.',
    };
  }
  if (!isSubscribed) {
    return {
      step: 'subscribe', loud, subscribe: '', send: `Subscribing to ${channel}.`,
      hint: `Subscribing to ${channel}.`,
    };
  }
  const hint = others.length > 0 && hasSpoken ? '' : talk(channel, user, others);
  return { step: 'talk', loud: loud || 'send', subscribe: '', send: '', hint };
}

function waiting(step, loud, why) {
  const hint = loud ? 'Sign in first: open one of the two addresses that “make up” prints.' : why;
  return { step, loud, subscribe: why, send: why, hint };
}

function talk(channel, user, others) {
  if (others.length > 0) {
    const names = others.join(', ');
    return `${names} ${others.length > 1 ? 'are' : 'is'} here. Write something and press Send.`;
  }
  const other = user === 'alice' ? 'bob' : 'alice';
  return `Nobody else is in ${channel}. Open the address that “make up” printed for ${other} in a second window.`;
}
