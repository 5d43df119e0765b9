// Makes sessions as Auth.js and NextAuth do, with their own code: reads an array of wishes on standard
// input, writes an array of { cookie name: value }. Run in the folder where `npm ci` was run.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { encode as encode5 } from '@auth/core/jwt';
import { SessionStore as Store5 } from './node_modules/@auth/core/lib/utils/cookie.js';

const require = createRequire(import.meta.url);
const { encode: encode4 } = require('next-auth/jwt');
const { SessionStore: Store4 } = require('./node_modules/next-auth/core/lib/cookie.js');

const silent = { debug() {}, warn() {}, error() {} };

async function session({ version, secret, cookie, token, maxAge }) {
  const option = { name: cookie, options: {} };
  const [value, store] = version === 4
    ? [await encode4({ token, secret, maxAge }), new Store4(option, { cookies: {} }, silent)]
    : [await encode5({ token, secret, maxAge, salt: cookie }), new Store5(option, {}, silent)];
  return Object.fromEntries(store.chunk(value, {}).map((each) => [each.name, each.value]));
}

const wishes = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(JSON.stringify(await Promise.all(wishes.map(session))));
