import type { ExecutionContext } from '@nestjs/common';
import type { SharedTimers, Timed } from '../connection/shared-timers.js';
import { Heartbeat, type Beating } from './heartbeat.js';
import type { HeartbeatOptions } from '../options/sse.options.js';

/** What is due while a stream is open. */
export interface TimekeeperSettings {
  context: ExecutionContext;
  heartbeat: false | (HeartbeatOptions & { intervalMs: number });
  /** When the stream has taken too long, and what then. */
  timeout: { afterMs: () => number; over: () => void } | undefined;
  /** When the connection is to be made anew, and what then. */
  rotation: { afterMs: number; over: () => void } | undefined;
  failed(error: unknown): void;
}

/** Rotations of connections that were opened together are spread over this part of their time. */
const JITTER = 0.2;

/** All timers of one open stream, started and stopped together. */
export class Timekeeper {
  private readonly running: { stop(): void }[] = [];

  constructor(
    private readonly timers: SharedTimers,
    private readonly settings: TimekeeperSettings,
  ) {}

  start(stream: Beating): void {
    const { context, heartbeat, timeout, rotation, failed } = this.settings;
    if (heartbeat) {
      const beat = new Heartbeat(heartbeat, context, this.timers, stream, failed);
      beat.start();
      this.running.push(beat);
    }
    if (timeout) this.once(timeout.afterMs(), timeout.over);
    if (rotation) this.once(rotation.afterMs * (1 + JITTER * (Math.random() - 0.5)), rotation.over);
  }

  stop(): void {
    for (const timed of this.running.splice(0)) timed.stop();
  }

  private once(afterMs: number, over: () => void): void {
    if (!(afterMs >= 0)) throw new RangeError(`A stream cannot end after ${afterMs} ms.`);
    const timed: Timed = { due: over };
    this.timers.schedule(timed, afterMs);
    this.running.push({ stop: () => this.timers.cancel(timed) });
  }
}
