import { connect } from 'node:net';
import { nowMicros, sleep } from '../machinery/clock.mjs';
import { problemOf } from '../machinery/payload.mjs';
import { Reference } from './reference.mjs';
import { StreamSocket } from './stream-socket.mjs';

const CONNECTING_AT_ONCE = 64;
/** One connection in this many reports how long its events were under way. */
const SAMPLED = 8;
const QUIET_MS = 300;

/**
 * Many connections that should receive the same events. Every byte is compared: the connection that is furthest ahead
 * writes the reference, the others are compared with it, and at the end the reference is read event by event.
 */
export class Audience {
  #listeners = [];
  #reference = new Reference();
  /** By event, the number of connections that have it. */
  #arrivals = [];
  #complete = 0;
  #wanted = Infinity;
  #settle = () => {};
  #latencies = [];
  #reads = 0;
  #delivered = 0;
  #control;
  #everybody = 0;

  /** Opens connections until there are `total`, and waits until each has its head and nothing more comes. */
  async open({ port, path, headers, total, controlPort }) {
    if (controlPort && !this.#control) {
      this.#control = connect(controlPort, '127.0.0.1').setNoDelay(true);
      this.#control.on('error', () => {});
    }
    const startedAt = nowMicros();
    await this.#connect({ port, path, headers }, total, CONNECTING_AT_ONCE);
    const micros = nowMicros() - startedAt;
    let reads;
    do {
      reads = this.#reads;
      await sleep(QUIET_MS);
    } while (reads !== this.#reads);
    return { open: this.#listeners.length, micros };
  }

  /** From here on every byte is compared. */
  mark() {
    this.#reference = new Reference();
    this.#arrivals = [];
    this.#complete = 0;
    this.#wanted = Infinity;
    this.#latencies = [];
    this.#reads = 0;
    this.#delivered = 0;
    this.#everybody = this.#listeners.length;
    for (const listener of this.#listeners) listener.mark(this.#reference);
  }

  /** Opens `total` connections whose bytes are compared from the first on, and waits until each has `events`. */
  async receive({ port, path, headers, total, atOnce, events, timeoutMs }) {
    const startedAt = nowMicros();
    this.mark();
    this.#everybody = total;
    await this.#connect({ port, path, headers }, total, atOnce, (listener) => listener.mark(this.#reference));
    const result = await this.settled({ events, timeoutMs });
    return { ...result, micros: result.at - startedAt };
  }

  /** Waits until all have `events`, or no more bytes arrive. Returns the time of the end, and the result. */
  async settled({ events, timeoutMs = 20_000 }) {
    if (events > 0 && this.#complete < events) {
      await new Promise((resolve) => {
        this.#settle = resolve;
        this.#wanted = events;
        setTimeout(resolve, timeoutMs).unref();
      });
    }
    const latencies = this.#latencies.sort((a, b) => a - b);
    const quantile = (part) => latencies[Math.floor((latencies.length - 1) * part)] ?? null;
    return {
      at: nowMicros(),
      delivered: this.#delivered,
      lost: events * this.#listeners.length - this.#delivered,
      reads: this.#reads,
      closed: this.#listeners.filter(({ closed: gone }) => gone).length,
      bytesPerConnection: this.#reference.length,
      p50: quantile(0.5),
      p99: quantile(0.99),
    };
  }

  /** The first fault in the received bytes since the mark, over all connections. `undefined` without a fault. */
  verify({ first, events, pad }) {
    for (const [i, { broken, closed: gone, offset, stream }] of this.#listeners.entries()) {
      const who = `connection ${i}`;
      if (stream.problem) return `${who}: ${stream.problem}`;
      if (gone) return `${who} was closed by the server`;
      if (broken !== undefined) return `${who} differs from the others after ${broken} bytes`;
      if (offset !== this.#reference.length) {
        return `${who} has ${offset} bytes of ${this.#reference.length}`;
      }
    }
    return problemOf(this.#reference.bytes, { first, count: events, pad });
  }

  /** How many heartbeats came since the mark, over all connections, and to the one with the fewest. */
  heartbeats() {
    let total = 0;
    let fewest = Infinity;
    for (const { offset } of this.#listeners) {
      const count = this.#reference.heartbeatsUpTo(offset);
      total += count;
      fewest = Math.min(fewest, count);
    }
    return { total, fewest, broken: this.#listeners.filter((listener) => listener.isBroken()).length };
  }

  close() {
    for (const { stream } of this.#listeners) stream.close();
    this.#listeners = [];
  }

  async #connect(request, total, atOnce, prepare) {
    const missing = total - this.#listeners.length;
    let started = 0;
    const one = async () => {
      while (started < missing) {
        started++;
        const listener = new Listener(this, this.#listeners.length % SAMPLED === 0, this.#reference);
        this.#listeners.push(listener);
        prepare?.(listener);
        await new Promise((resolve) => {
          listener.opened = resolve;
          listener.stream = new StreamSocket(request, listener);
        });
      }
    };
    await Promise.all(Array.from({ length: atOnce }, one));
  }

  /** A connection has read. It has `events` complete events now, and had `before`. */
  arrived(before, events) {
    this.#reads++;
    this.#delivered += events - before;
    const everybody = this.#everybody;
    const complete = this.#complete;
    for (let event = before; event < events; event++) {
      const count = (this.#arrivals[event] ?? 0) + 1;
      this.#arrivals[event] = count;
      if (count === everybody) this.#complete = event + 1;
    }
    if (this.#complete === complete) return;
    this.#control?.write(`${this.#complete}\n`);
    if (this.#complete >= this.#wanted) this.#settle();
  }

  took(micros) {
    this.#latencies.push(micros);
  }
}

const TIMESTAMP = Buffer.from('"timestamp":');
const TIMESTAMP_DIGITS = 20;

class Listener {
  offset = 0;
  events = 0;
  closed = false;
  broken = undefined;
  #marked = false;

  constructor(audience, sampled, reference) {
    this.audience = audience;
    this.sampled = sampled;
    this.reference = reference;
  }

  mark(reference) {
    this.reference = reference;
    this.#marked = true;
    this.offset = this.events = 0;
  }

  isBroken() {
    return this.closed || this.broken !== undefined || this.stream.problem !== undefined;
  }

  onHead() {
    this.opened();
  }

  onBody(buffer, start, end) {
    if (!this.#marked) return this.audience.arrived(0, 0);
    if (this.sampled) this.#sample(buffer, start, end);
    if (!this.reference.take(this.offset, buffer, start, end)) this.broken ??= this.offset;
    this.offset += end - start;
    const before = this.events;
    this.events = this.reference.eventsUpTo(this.offset, before);
    this.audience.arrived(before, this.events);
  }

  onOver() {
    this.closed = true;
  }

  onClosed() {
    this.closed = true;
    this.opened();
  }

  #sample(buffer, start, end) {
    const now = nowMicros();
    const at = buffer.indexOf(TIMESTAMP, start);
    if (at === -1 || at + TIMESTAMP.length + TIMESTAMP_DIGITS > end) return;
    const sentAt = parseInt(
      buffer.latin1Slice(at + TIMESTAMP.length, at + TIMESTAMP.length + TIMESTAMP_DIGITS),
      10,
    );
    if (now >= sentAt) this.audience.took(now - sentAt);
  }
}
