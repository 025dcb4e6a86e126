/**
 * The record of a run: the events of each channel with the outcome of their publishing, and the events that each client
 * received. Ticks number everything that this process did or received, in order. Other processes may act in any order
 * between two ticks.
 */
export class History {
  /** @type {{ name: string, events: object[], lives: object[], ids: Map<string, number> }[]} */
  channels;
  /** The faults, with their times. */
  incidents = [];
  /** Results that no client may ever see: an error event, a rejected cursor, an ID that changed. */
  troubles = [];
  delivered = 0;
  /** The states that clients received: those of a fold, and those that the application has stored. */
  states = { folded: 0, stored: 0 };
  /** The tick at which the log has forgotten everything. */
  forgotten = 0;
  #tick = 0;
  #groups = 0;
  #begun = Date.now();

  constructor(names) {
    this.channels = names.map((name) => ({ name, events: [], lives: [], ids: new Map() }));
  }

  tick() {
    return ++this.#tick;
  }

  get seconds() {
    return (Date.now() - this.#begun) / 1000;
  }

  /** Events that are about to be published in one batch. */
  publish(channel, size) {
    const { events } = this.channels[channel];
    const [sent, group, sentAt] = [this.tick(), this.#groups++, this.seconds];
    return Array.from({ length: size }, (_, place) => {
      const event = { index: events.length, group, place, size, sent, sentAt, outcome: 'open' };
      events.push(event);
      return event;
    });
  }

  acknowledged(channel, group, ids) {
    const tick = this.tick();
    for (const [i, event] of group.entries()) {
      Object.assign(event, { outcome: 'acknowledged', acked: tick });
      this.#identify(channel, event, ids[i]);
    }
  }

  refused(group) {
    for (const event of group) event.outcome = 'refused';
  }

  /** The publisher's result, as text for people. */
  answered(group, node, answer) {
    const answeredAt = this.seconds;
    for (const event of group) Object.assign(event, { node, answer, answeredAt });
  }

  /** A client starts to read: at a head, when it has no ID yet, or after an event whose ID it has. */
  begin(channel, client, start) {
    const life = {
      client,
      start,
      held: 0,
      stored: new Set(),
      entries: [],
      ticks: [],
      gaps: [],
      sessions: [],
    };
    life.toEnd = false;
    this.channels[channel].lives.push(life);
    return life;
  }

  /** A connection of a life. */
  session(life, node, lastEventId) {
    life.sessions.push({
      tick: this.tick(),
      at: life.entries.length,
      seconds: this.seconds,
      node,
      lastEventId,
    });
  }

  /** A client received an event. */
  gave(channel, life, index, id) {
    const event = this.channels[channel].events[index];
    this.delivered++;
    life.entries.push(index);
    life.ticks.push(this.tick());
    if (event) this.#identify(channel, event, id);
  }

  /**
   * A client received a state, which includes these events. It starts anew with them, and with everything that was published since
   * the log began. The state of a fold has them in their order. A stored state has none, and may be ahead of the log: its
   * events may also follow.
   */
  state(channel, client, { indexes, isOrdered }, session) {
    const life = this.begin(channel, client, { head: this.forgotten });
    const tick = this.tick();
    if (isOrdered) {
      this.states.folded++;
      life.held = indexes.length;
      life.entries.push(...indexes);
      for (const _ of indexes) life.ticks.push(tick);
    } else {
      this.states.stored++;
      for (const index of indexes) life.stored.add(index);
    }
    if (session) life.sessions.push({ ...session, at: 0 });
    return life;
  }

  /** The log has lost what it had, because it was in the memory of a process that has ended. */
  forget() {
    this.forgotten = this.tick();
  }

  /** A client received a gap. Gaps are entries below 0. */
  gap(life, gap) {
    life.entries.push(-1 - life.gaps.length);
    life.ticks.push(this.tick());
    life.gaps.push(gap);
  }

  incident(what) {
    this.incidents.push({ tick: this.tick(), seconds: this.seconds, what });
  }

  trouble(what) {
    this.troubles.push({ tick: this.tick(), seconds: this.seconds, what });
  }

  #identify(channel, event, id) {
    const { ids, name } = this.channels[channel];
    const owner = ids.get(id);
    if (typeof id !== 'string' || (event.id ?? id) !== id || (owner ?? event.index) !== event.index) {
      const known = `known as ${event.id}, and event ${owner} has that id`;
      this.trouble(`event ${event.index} of ${name} came with the id ${id}; it is ${known}`);
    }
    event.id ??= id;
    ids.set(id, event.index);
  }
}
