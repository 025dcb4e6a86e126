const LF = 10;
const COLON = 58;
const D = 100;
const E = 101;

/** The bytes that all connections should receive, with the ends of events and heartbeats. Grows as they arrive. */
export class Reference {
  #buffer = Buffer.allocUnsafe(1 << 16);
  length = 0;
  #eventEnds = [];
  #heartbeatEnds = [];
  #lineStart = 0;
  #hasData = false;

  get bytes() {
    return this.#buffer.subarray(0, this.length);
  }

  /** Compares bytes with the known ones from `offset` on, and appends the rest. `false` if they differ. */
  take(offset, buffer, start, end) {
    const known = Math.min(this.length - offset, end - start);
    const same =
      known <= 0 || buffer.compare(this.#buffer, offset, offset + known, start, start + known) === 0;
    if (end - start > known) this.#append(buffer, start + Math.max(known, 0), end);
    return same;
  }

  /** The number of events that end at or before `offset`, at least `atLeast`. */
  eventsUpTo(offset, atLeast) {
    let events = atLeast;
    while (events < this.#eventEnds.length && this.#eventEnds[events] <= offset) events++;
    return events;
  }

  /** The number of heartbeats that end at or before `offset`: comments, or an event name without data (nchan). */
  heartbeatsUpTo(offset) {
    let beats = 0;
    while (beats < this.#heartbeatEnds.length && this.#heartbeatEnds[beats] <= offset) beats++;
    return beats;
  }

  #append(buffer, start, end) {
    const length = this.length + end - start;
    if (length > this.#buffer.length) {
      const bigger = Buffer.allocUnsafe(Math.max(length, this.#buffer.length * 2));
      this.#buffer.copy(bigger, 0, 0, this.length);
      this.#buffer = bigger;
    }
    buffer.copy(this.#buffer, this.length, start, end);
    for (let at = this.length; at < length; at++) if (this.#buffer[at] === LF) this.#lineEnded(at);
    this.length = length;
  }

  #lineEnded(at) {
    const first = this.#buffer[this.#lineStart];
    if (at === this.#lineStart) {
      // An empty line without data before it does not end an event (WHATWG HTML, 9.2.6).
      if (this.#hasData) this.#eventEnds.push(at + 1);
      this.#hasData = false;
    } else if (first === COLON || first === E) this.#heartbeatEnds.push(at + 1);
    else if (first === D) this.#hasData = true;
    this.#lineStart = at + 1;
  }
}
