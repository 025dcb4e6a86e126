import { setTimeout as sleep } from 'node:timers/promises';
import { hasState } from './states.mjs';

const ANSWER_WITHIN_MS = 20_000;
/** Characters of padding in one request. Express accepts 100 kB of JSON. */
const SMALL = 500;
const BIG = 90_000;

/** Publishes through POST, one request after the other, and records the outcome of each. */
export class Publisher {
  #history;
  #nodes;
  #random;
  #most;

  /** @param nodes for each channel the nodes that have it @param most maximum number of events in one batch */
  constructor({ history, nodes, random, most }) {
    this.#history = history;
    this.#nodes = nodes;
    this.#random = random;
    this.#most = most;
  }

  /** Publishes about this many events a second until `over()`. */
  async run(perSecond, over) {
    let due = Date.now();
    while (!over()) {
      const size = this.#random.integer(1, this.#most);
      const channel = this.#random.integer(0, this.#history.channels.length - 1);
      await this.publish(channel, size);
      // Publishes that were not possible during an outage are not made up for.
      due = Math.max(due + (size * 1000) / perSecond, Date.now() - 1000);
      if (due > Date.now()) await sleep(due - Date.now());
    }
  }

  /** Publishes one event, repeatedly until it is acknowledged, and returns its index. */
  async publishForSure(channel) {
    for (;;) {
      const [event] = await this.publish(channel, 1);
      if (event.outcome === 'acknowledged') return event.index;
      await sleep(200);
    }
  }

  async publish(channel, size) {
    const group = this.#history.publish(channel, size);
    // In some channels the events are large, so that sockets and logs fill up.
    const isBig = channel % 10 === 0 && !hasState(this.#history.channels[channel].name);
    const pad = 'x'.repeat(this.#random.integer(0, isBig ? BIG : SMALL) / size);
    const body = JSON.stringify(group.map(({ index }) => ({ index, pad })));
    const { url, name } = this.#random.pick(this.#nodes(channel));
    try {
      const response = await fetch(`${url}/channels/${this.#history.channels[channel].name}`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body,
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const text = await response.text();
      this.#history.answered(group, name, response.ok ? response.status : text);
      if (response.ok) this.#history.acknowledged(channel, group, JSON.parse(text).ids);
      else if (/It was not published/.test(text)) this.#history.refused(group);
      else if (response.status < 500)
        this.#history.trouble(`publishing was answered with ${response.status}: ${text}`);
    } catch (error) {
      this.#history.answered(group, name, String(error.cause?.code ?? error));
      // The node was not reachable. After any other failure the outcome is unknown.
      if (error.cause?.code === 'ECONNREFUSED') this.#history.refused(group);
    }
    return group;
  }
}
