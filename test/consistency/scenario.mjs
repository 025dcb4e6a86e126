import { setTimeout as sleep } from 'node:timers/promises';
import { Adversity } from './adversity.mjs';
import { History } from './history.mjs';
import { Nodes } from './nodes.mjs';
import { Publisher } from './publisher.mjs';
import { Random } from './random.mjs';
import { Reader, ReaderCounts } from './reader.mjs';
import { PostgresOfRun } from './postgres-of-run.mjs';
import { RedisServer } from './redis-server.mjs';
import { StateServer } from './state-server.mjs';
import { foldedName, statedName } from './states.mjs';

const PATIENCE_MS = 60_000;
const PUBLISHERS = 32;
/** Channels for each one more, whose late clients get a state. Clients likewise. */
const STATE_ONE_IN = 5;
/** The processes that have these channels, if the others are those of the demo. */
const STATEFUL_NODES = 2;

/** One run: nodes, clients, publishers and adversity, until enough was delivered; then calm, and the last events. */
export class Scenario {
  counts = new ReaderCounts();
  visitors = 0;
  #settings;
  #calm = true;
  #residents = [];
  #visiting = new Set();
  /** The nodes that have the channels without a state, and those that have the channels with one. */
  #plain;
  #stateful;

  constructor(settings) {
    this.#settings = settings;
    const names = Array.from({ length: settings.channels }, (_, i) => `channel-${i}`);
    const withState = Array.from({ length: Math.ceil(settings.channels / STATE_ONE_IN) + 1 }, (_, i) =>
      i % 2 === 0 ? foldedName(i) : statedName(i),
    );
    this.history = new History([...names, ...withState]);
  }

  async run() {
    const {
      log,
      deliveries,
      seconds,
      perSecond,
      pace,
      nodes: count,
      app,
      keepEvents,
      broken,
    } = this.#settings;
    this.states = await StateServer.start(this.history);
    const env = { REDIS_URL: '', DATABASE_URL: '', STATES_URL: this.states.url };
    if (log === 'memory') Object.assign(env, { KEEP_EVENTS: `${keepEvents}`, BROKEN: broken ?? '' });
    else this.server = await (log === 'postgres' ? PostgresOfRun : RedisServer).start();
    if (this.server) env[log === 'postgres' ? 'DATABASE_URL' : 'REDIS_URL'] = this.server.url;
    if (log === 'ioredis') env.REDIS_CLIENT = 'ioredis';
    const nodes = this.server ? new Nodes({ count, app, env }) : new Nodes({ count: 1, app: 'small', env });
    const isDemo = this.server && app === 'demo';
    this.#stateful = isDemo ? new Nodes({ count: STATEFUL_NODES, app: 'small', env, first: count }) : nodes;
    this.#plain = nodes;
    this.nodes = isDemo ? Nodes.both(nodes, this.#stateful) : nodes;
    try {
      await this.nodes.start();
      await this.#begin();
      const end = this.history.seconds + seconds;
      const over = () => this.history.delivered >= deliveries || this.history.seconds >= end;
      const progress = setInterval(() => this.#report(), 15_000);
      const publishers = Array.from({ length: PUBLISHERS }, (_, i) => this.#publisher(i));
      const publishing = publishers.map((publisher) => publisher.run((perSecond * pace) / PUBLISHERS, over));
      await Promise.all([...publishing, this.adversity.run(over), this.#visits(over)]);
      clearInterval(progress);
      await this.#finish(publishers[0]);
    } finally {
      for (const reader of [...this.#residents, ...this.#visiting]) reader.close();
      await this.nodes.stop();
      await this.server?.remove();
      this.states.close();
    }
  }

  async #begin() {
    const { clients, channels, short } = this.#settings;
    const { history, nodes, server } = this;
    // A node with its log in memory has lost its events after a restart, so restarts are rarer there.
    const meanMs = (server ? 2500 : 12_000) / (short ? 2 : 1);
    this.adversity = new Adversity({ history, nodes, server, random: this.#random('adversity'), meanMs });
    for (let i = 0; i < clients; i++) {
      const kind = { stock: i % 4 === 3, slow: i % 10 === 0 };
      this.#residents.push(this.#reader(i % channels, `client ${i}`, kind));
    }
    const withState = history.channels.length - channels;
    for (let i = 0; i < Math.ceil(clients / STATE_ONE_IN); i++) {
      const kind = { stock: i % 4 === 3, slow: i % 10 === 0 };
      this.#residents.push(this.#reader(channels + (i % withState), `late client ${i}`, kind));
    }
    for (const reader of this.#residents) reader.open();
    await this.#until(() => this.#residents.every(({ connected }) => connected), 'all clients are connected');
    this.#calm = false;
  }

  /** Clients that come with any id that was ever given, or none, and stay for a few seconds. */
  async #visits(over) {
    const random = this.#random('visits');
    while (!over()) {
      await sleep(random.around(300));
      const channel = random.integer(0, this.history.channels.length - 1);
      const visitor = this.#reader(channel, `visitor ${this.visitors++}`, {
        after: random.chance(0.7) ? this.#anyEvent(channel, random) : undefined,
      });
      visitor.open();
      this.#visiting.add(visitor);
      setTimeout(() => {
        visitor.close();
        this.#visiting.delete(visitor);
      }, random.around(3000)).unref();
    }
  }

  #anyEvent(channel, random) {
    const { events } = this.history.channels[channel];
    const oldest = random.chance(0.5) ? Math.max(events.length - 100, 0) : 0;
    const { id, index } = events[random.integer(oldest, Math.max(events.length - 1, 0))] ?? {};
    return id === undefined ? undefined : index;
  }

  /** When all is calm, everybody gets everything; and who comes from anywhere in the log, through any node, too. */
  async #finish(publisher) {
    this.#calm = true;
    const { history } = this;
    await this.#until(
      () => this.#residents.every(({ connected }) => connected),
      'all clients are connected again',
    );
    const returners = [];
    const random = this.#random('returners');
    for (const channel of history.channels.keys()) {
      for (const node of this.#nodesOf(channel)) {
        const after = this.#anyEvent(channel, random);
        const only = { list: [node] };
        returners.push(this.#reader(channel, `returner to ${node.name}`, { after, nodes: only }));
      }
    }
    for (const reader of returners) reader.open();
    this.#residents.push(...returners);
    await this.#until(() => returners.every(({ connected }) => connected), 'all who return are connected');
    const last = await Promise.all(history.channels.map((_, channel) => publisher.publishForSure(channel)));
    await Promise.all(
      this.#residents.map(async (reader) => {
        const arrived = await reader.arrival(last[reader.channel], PATIENCE_MS);
        if (!arrived) {
          const which = `the last event of channel ${reader.channel}`;
          history.trouble(`${reader.name} was not given ${which}; ${reader.where}`);
        }
        reader.mustBeComplete();
      }),
    );
  }

  async #until(condition, what) {
    for (const end = Date.now() + PATIENCE_MS; !condition(); await sleep(50)) {
      if (Date.now() < end) continue;
      this.history.trouble(`it never came about that ${what}`);
      return;
    }
  }

  #reader(channel, name, special) {
    const { history, counts } = this;
    const nodes = { list: this.#nodesOf(channel) };
    const random = this.#random(name);
    return new Reader({ history, nodes, random, counts, channel, name, calm: () => this.#calm, ...special });
  }

  #publisher(number) {
    const { history } = this;
    const { most } = this.#settings;
    const nodes = (channel) => this.#nodesOf(channel);
    return new Publisher({ history, nodes, random: this.#random(`publisher ${number}`), most });
  }

  #nodesOf(channel) {
    return (channel < this.#settings.channels ? this.#plain : this.#stateful).list;
  }

  #random(name) {
    return new Random(this.#settings.seed, `${this.#settings.log}/${name}`);
  }

  #report() {
    const { delivered, seconds, incidents, troubles } = this.history;
    const wrong = troubles.length > 0 ? `, ${troubles.length} troubles` : '';
    console.log(`  ${seconds.toFixed(0)} s: ${delivered} delivered, ${incidents.length} incidents${wrong}`);
  }
}
