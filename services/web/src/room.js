// One channel as the page shows it: who is there, what was said, what is said. Touches no page.

const OLDER = 20; // messages shown of those that were said before

/**
 * Events, each with a `detail`: `joined` {channel, recovered, wasRecovering}, `left` {channel, reason},
 * `message` {pub, isOld}, `people` a Map of client → user, `person` {client, user, isHere} when a user
 * comes with a first client or goes with the last, `waits` when it has to subscribe anew, `settled`
 * when all that there is after a subscription was told.
 */
export class Room extends EventTarget {
  #centrifuge;
  #subscription = null;
  #people = new Map();
  #seen = 0; // the offset of the last message that was shown

  constructor(centrifuge) {
    super();
    this.#centrifuge = centrifuge;
  }

  get channel() { return this.#subscription?.channel ?? ''; }

  get isSubscribed() { return this.#subscription?.state === 'subscribed'; }

  /** Subscribes, and again after every reconnect, with what was missed. */
  enter(channel) {
    this.leave();
    const subscription = this.#centrifuge.newSubscription(channel, {
      recoverable: true, positioned: true, joinLeave: true,
    });
    this.#subscription = subscription;
    subscription.on('subscribed', (context) => this.#subscribed(context));
    subscription.on('publication', (pub) => this.#said(pub, false));
    subscription.on('join', ({ info }) => this.#person(info, true));
    subscription.on('leave', ({ info }) => this.#person(info, false));
    subscription.on('subscribing', () => this.#say('waits'));
    subscription.on('unsubscribed', ({ code, reason }) => this.#ended(channel, code, reason));
    subscription.subscribe();
  }

  /** Unsubscribes and forgets. */
  leave() {
    const subscription = this.#subscription;
    if (!subscription) return;
    this.#subscription = null;
    subscription.removeAllListeners();
    subscription.unsubscribe();
    this.#centrifuge.removeSubscription(subscription);
    this.#people.clear();
    this.#seen = 0;
    this.#say('people', this.#people);
  }

  /** Sends a message; gives the milliseconds until the server had it. */
  async speak(data) {
    const started = performance.now();
    await this.#subscription.publish(data);
    return performance.now() - started;
  }

  async #subscribed({ channel, recovered, wasRecovering, streamPosition }) {
    this.#say('joined', { channel, recovered, wasRecovering });
    const subscription = this.#subscription;
    if (!recovered) await this.#showOlder(subscription, streamPosition?.offset ?? 0);
    if (subscription === this.#subscription) await this.#lookAround(subscription);
    if (subscription === this.#subscription && !wasRecovering) this.#say('settled');
  }

  async #showOlder(subscription, upTo) {
    const { publications } = await subscription
      .history({ limit: OLDER, reverse: true })
      .catch(() => ({ publications: [] })); // a channel without a history
    const missing = publications.filter(({ offset }) => offset <= upTo && offset > this.#seen);
    if (subscription === this.#subscription) missing.reverse().forEach((pub) => this.#said(pub, true));
  }

  async #lookAround(subscription) {
    try {
      const { clients } = await subscription.presence();
      this.#people = new Map(Object.values(clients).map(({ client, user }) => [client, user]));
    } catch {
      this.#people = new Map(); // a channel without presence
    }
    this.#say('people', this.#people);
  }

  #said(pub, isOld) {
    this.#seen = Math.max(this.#seen, pub.offset ?? 0);
    this.#say('message', { pub, isOld });
  }

  #person({ client, user }, isHere) {
    const wasHere = [...this.#people.values()].includes(user);
    if (isHere) this.#people.set(client, user);
    else this.#people.delete(client);
    if ([...this.#people.values()].includes(user) !== wasHere) this.#say('person', { client, user, isHere });
    this.#say('people', this.#people);
  }

  #ended(channel, code, reason) {
    this.leave();
    this.#say('left', { channel, code, reason });
  }

  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
