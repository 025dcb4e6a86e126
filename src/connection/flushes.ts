/** What has something to write at the end of this turn. */
export interface Flushable {
  flush(): void;
}

/** Writes what was made in one turn at its end, for all connections in one go: a thousand of them are one callback. */
export class Flushes {
  private due: Flushable[] = [];
  private running: Flushable[] = [];

  /** Has `outlet` flushed once what runs now has ended. */
  add(outlet: Flushable): void {
    if (this.due.push(outlet) === 1) process.nextTick(runFlushes, this);
  }

  /** @internal */
  run(): void {
    const { due } = this;
    this.due = this.running;
    this.running = due;
    let done = 0;
    try {
      for (; done < due.length; done++) due[done]?.flush();
    } finally {
      // What one of them throws is not the others' fault.
      const rest = due.slice(done + 1);
      due.length = 0;
      for (const outlet of rest) this.add(outlet);
    }
  }
}

function runFlushes(flushes: Flushes): void {
  flushes.run();
}
