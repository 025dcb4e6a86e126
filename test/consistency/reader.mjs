import { EventSource } from 'eventsource';
import { connect } from 'nestjs-event-stream/client';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasState, isStated } from './states.mjs';

const MEAN_CONNECTION_MS = 6000;
const SLOW_CONNECTION_MS = 60_000;
const SLOW_EVENT_MS = 60;
/** Within these a client is given its place, if the log can say where that is. */
const PLACE_WITHIN_SECONDS = 5;
/** For this time after something happened to the server it may not be able to. */
const RECOVERED_AFTER_SECONDS = 20;
const MEAN_ABSENCE_MS = 200;
const LONG_ABSENCE_MS = 20_000;
/** The share of the connections to a channel with states on which a client does not send its id. */
const FORGETS = 0.5;

/** How all readers of a run get on. */
export class ReaderCounts {
  reconnects = 0;
  toOtherNode = 0;
  withoutId = 0;
  attempts = 0;
}

/**
 * A client of one channel. It loses its connection now and then, and reconnects to any node with its last ID.
 * It is the library's own client, or the `EventSource` of npm.
 */
export class Reader {
  #setting;
  #life;
  #node;
  #breaking;
  #brokeAt;
  #closed = false;
  #stream;
  #source;
  #goal;
  #reached;
  /** The next event must be a state. */
  #needsState = false;

  /** @param setting `{ history, nodes, random, counts, channel, name, stock, slow, after, calm }` */
  constructor(setting) {
    this.#setting = setting;
    const { history, channel, name, after } = setting;
    if (after !== undefined) this.#life = history.begin(channel, name, { after });
  }

  get channel() {
    return this.#setting.channel;
  }

  get name() {
    return this.#setting.name;
  }

  /** Begins to read. Faults are recorded in the history. Nothing is thrown. */
  open() {
    const { history, channel, name } = this.#setting;
    const url = `http://any-node/channels/${history.channels[channel].name}`;
    if (this.#setting.stock) return this.#listen(url);
    void this.#iterate(url).catch((error) => {
      history.trouble(`${name}, of channel ${channel}, was ended by: ${error?.stack ?? error}`);
    });
  }

  /** Whether it is connected, and has a position for a reconnect. */
  get connected() {
    return this.#stream?.state === 'open' || this.#source?.readyState === EventSource.OPEN;
  }

  /** The connection that it has, or had last. */
  get where() {
    const { node, seconds, lastEventId, at } = this.#life?.sessions.at(-1) ?? {};
    if (node === undefined) return 'it never had a connection';
    const given = this.#life.entries.length - at;
    return `connected to ${node} since ${seconds.toFixed(2)} s, after "${lastEventId}", and given ${given} there`;
  }

  /** Whether this event comes within a time. */
  arrival(index, withinMs) {
    if (this.#life?.entries.includes(index)) return Promise.resolve(true);
    this.#goal = index;
    return Promise.race([
      new Promise((resolve) => (this.#reached = () => resolve(true))),
      sleep(withinMs, false, { ref: false }),
    ]);
  }

  /** Everything up to the newest event must have come by now. */
  mustBeComplete() {
    const { history, channel, name } = this.#setting;
    this.#life ??= history.begin(channel, name, { head: Infinity });
    this.#life.toEnd = true;
  }

  close() {
    this.#closed = true;
    clearTimeout(this.#breaking);
    this.#stream?.close();
    this.#source?.close();
  }

  async #iterate(url) {
    const { history, random, channel, after, slow, calm } = this.#setting;
    const jitter = { random: () => random.number(), retry: { initialMs: 100, maxMs: 1500 } };
    const id = after === undefined ? undefined : history.channels[channel].events[after].id;
    this.#stream = connect(url, {
      ...jitter,
      ...(id && { after: id }),
      fetch: (_, init) => this.#fetch(init),
    });
    for await (const { type, id: given, data } of this.#stream) {
      this.#take(type, given, data);
      // A client that reads more slowly than events are published fills its sockets, and then falls behind the log.
      if (slow && !calm()) await sleep(random.around(SLOW_EVENT_MS));
    }
    if (!this.#closed) this.#trouble('was told that the stream is over');
  }

  #listen(url) {
    const source = (this.#source = new EventSource(url, { fetch: (_, init) => this.#fetch(init) }));
    for (const type of ['message', 'gap', 'state']) {
      source.addEventListener(type, ({ lastEventId, data }) => this.#take(type, lastEventId, data));
    }
    source.addEventListener('error', ({ data, message, code }) => {
      if (data !== undefined) this.#take('error', undefined, data);
      else if (source.readyState === EventSource.CLOSED)
        this.#trouble(`gave up: ${message ?? ''} ${code ?? ''}`);
    });
  }

  #take(type, id, data) {
    const { history, channel } = this.#setting;
    if (type === 'state') return this.#start(JSON.parse(data).indexes);
    if (this.#needsState) return this.#trouble(`was given ${type}, and no state before it: ${data}`);
    if (type === 'gap' && this.#hasState) this.#trouble(`was given a gap, where a state could be: ${data}`);
    if (type === 'gap') return history.gap(this.#life, { id, ...JSON.parse(data) });
    if (type !== 'message') return this.#trouble(`was given ${type}: ${data}`);
    const { index } = JSON.parse(data);
    history.gave(channel, this.#life, index, id);
    if (index === this.#goal) this.#reached?.();
  }

  get #hasState() {
    const { history, channel } = this.#setting;
    return hasState(history.channels[channel].name);
  }

  /** It was given a state, with which it starts anew. */
  #start(indexes) {
    const { history, channel, name } = this.#setting;
    this.#needsState = false;
    const isOrdered = !isStated(history.channels[channel].name);
    this.#life = history.state(channel, name, { indexes, isOrdered }, this.#life?.sessions.at(-1));
    if (indexes.includes(this.#goal)) this.#reached?.();
  }

  /** One attempt: to any node, after some time offline, and for a limited time. */
  async #fetch(init) {
    const { history, nodes, random, counts, channel, name, slow } = this.#setting;
    clearTimeout(this.#breaking);
    this.#brokeAt = history.seconds;
    const headers = new Headers(init.headers);
    // Like a page that is opened anew. Such clients are those that need a state.
    const forgets = this.#hasState && random.chance(FORGETS);
    if (forgets) headers.delete('Last-Event-ID');
    const lastEventId = headers.get('Last-Event-ID') ?? '';
    if (this.#node) await this.#away();
    const node = random.pick(nodes.list);
    const breaking = new AbortController();
    const path = `/channels/${history.channels[channel].name}`;
    counts.attempts++;
    const response = await fetch(`${node.url}${path}`, { ...init, headers });
    if (response.status !== 200) {
      if (response.status < 500) this.#trouble(`got ${response.status} for the id ${lastEventId}`);
      void response.body?.cancel();
      throw new Error(`status ${response.status}`);
    }
    if (lastEventId === '') {
      if (this.#life && !forgets) this.#startsAnew();
      this.#life = history.begin(channel, name, { head: history.tick() });
    }
    this.#needsState = lastEventId === '' && this.#hasState;
    if (this.#node) counts.reconnects++;
    if (this.#node && this.#node !== node) counts.toOtherNode++;
    this.#node = node;
    history.session(this.#life, node.name, lastEventId);
    this.#breaking = setTimeout(
      () => {
        if (!this.#setting.calm()) breaking.abort(new Error('the connection broke'));
      },
      random.around(slow ? SLOW_CONNECTION_MS : MEAN_CONNECTION_MS),
    );
    return breakable(response, breaking.signal);
  }

  /** Without an ID it cannot know what it misses. That is correct only if it had not received its position. */
  #startsAnew() {
    const { counts, history } = this.#setting;
    counts.withoutId++;
    const connected = this.#life.sessions.at(-1).seconds;
    const seconds = this.#brokeAt - connected;
    const away =
      history.incidents.findLast(({ what }) => /Redis|PostgreSQL/.test(what))?.seconds ?? -Infinity;
    if (seconds > PLACE_WITHIN_SECONDS && away + RECOVERED_AFTER_SECONDS < connected)
      this.#trouble(`had a connection for ${seconds} s, and was given no id`);
  }

  /** Usually a moment, sometimes long enough that the log has evicted events. */
  async #away() {
    const { random, calm } = this.#setting;
    const ms = random.chance(0.05)
      ? random.integer(LONG_ABSENCE_MS / 4, LONG_ABSENCE_MS)
      : random.around(MEAN_ABSENCE_MS);
    for (const end = Date.now() + ms; Date.now() < end && !calm();) {
      await sleep(Math.min(Math.max(end - Date.now(), 0), 200));
    }
  }

  #trouble(what) {
    const { history, name, channel } = this.#setting;
    history.trouble(`${name}, of channel ${channel}, ${what}`);
  }
}

/**
 * A response whose body breaks off when the signal is aborted. The signal of fetch would not do. In Node 20, a body that has
 * arrived completely and was not read to its end neither ends nor fails after an abort. Its reader waits forever.
 */
function breakable({ body, status, headers }, signal) {
  const { readable, writable } = new TransformStream();
  body.pipeTo(writable, { signal }).catch(() => {});
  return new Response(readable, { status, headers });
}
