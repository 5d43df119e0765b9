// centrifuge-js, driven by JSON lines on stdin; what happens to it goes to stdout as JSON lines.
// Each line names one of several clients by its number.
import readline from 'node:readline';
import { Centrifuge } from 'centrifuge';
import { EventSource } from 'eventsource';
import WebSocket from 'ws';

// Without a transport, the WebSocket at the URL. Else, a WebSocket whose upgrade is refused comes
// first, as behind a proxy that blocks it: the SDK has to find the other transport by itself.
function places(url, transport) {
  const origin = url.replace(/^ws/, 'http').replace(/^(\w+:\/\/[^/]+).*/, '$1');
  const blocked = { transport: 'websocket', endpoint: origin.replace(/^http/, 'ws') + '/blocked' };
  const other = { transport, endpoint: `${origin}/connection/${transport}` };
  return { at: transport ? [blocked, other] : url, emulationEndpoint: `${origin}/emulation` };
}

function opened(number, url, transport) {
  const say = (event, fields = {}) => console.log(JSON.stringify({ client: number, event, ...fields }));
  let giveToken;
  const { at, emulationEndpoint } = places(url, transport);
  const client = new Centrifuge(at, {
    websocket: WebSocket,
    eventsource: EventSource,
    emulationEndpoint,
    minReconnectDelay: 50,
    maxReconnectDelay: 200,
    getToken: () => { say('token_wanted'); return new Promise((resolve) => { giveToken = resolve; }); },
  });
  const codes = (ctx) => ({ code: ctx.code, reason: ctx.reason });
  for (const name of ['connecting', 'disconnected']) client.on(name, (ctx) => say(name, codes(ctx)));
  client.on('connected', () => say('connected'));
  client.on('error', (ctx) => say('error', { code: ctx.error.code }));
  client.on('message', (ctx) => say('message', { data: ctx.data }));

  function subscribe({ channel, leaves }) {
    const sub = client.newSubscription(channel, { minResubscribeDelay: 50, maxResubscribeDelay: 200 });
    for (const name of ['subscribing', 'unsubscribed']) sub.on(name, (ctx) => say(name, codes(ctx)));
    sub.on('subscribed', ({ wasRecovering, recovered }) => {
      say('subscribed', { wasRecovering, recovered });
      if (leaves && recovered) { leaves = false; sub.unsubscribe(); }
    });
    sub.on('publication', ({ data, offset }) => say('publication', { data, offset: offset ?? 0 }));
    sub.on('error', (ctx) => say('sub_error', { code: ctx.error.code }));
    for (const name of ['join', 'leave']) sub.on(name, (ctx) => say(name, { user: ctx.info.user }));
    sub.subscribe();
  }

  const sub = ({ channel }) => client.getSubscription(channel);
  const offsets = (found) => found.publications.map((pub) => pub.offset);
  return {
    connect: ({ token }) => { if (token) client.setToken(token); client.connect(); },
    disconnect: () => client.disconnect(),
    token: ({ token }) => giveToken(token),
    subscribe,
    resubscribe: (args) => sub(args).subscribe(),
    unsubscribe: (args) => sub(args).unsubscribe(),
    publish: async (args) => { await sub(args).publish(args.data); },
    history: async (args) => offsets(await sub(args).history({ limit: args.limit, since: args.since, reverse: args.reverse })),
    presence: async (args) => Object.values((await sub(args).presence()).clients).map((info) => info.user).sort(),
    presence_stats: async (args) => { const s = await sub(args).presenceStats(); return [s.numClients, s.numUsers]; },
    rpc: async ({ method }) => (await client.rpc(method, {})).data,
  };
}

const clients = new Map();
for await (const line of readline.createInterface({ input: process.stdin })) {
  const { client: number, do: action, ...args } = JSON.parse(line);
  if (action === 'open') { clients.set(number, opened(number, args.url, args.transport)); continue; }
  const say = (event, fields) => console.log(JSON.stringify({ client: number, event, ...fields }));
  Promise.resolve()
    .then(() => clients.get(number)[action](args))
    .then((result) => say('done', { result: result ?? null }), (error) => say('failed', { code: error.code }));
}
process.exit(0);
