import { messageOf } from '../../errors/error-text.js';
import { attempt } from '../../errors/legible.js';
import { logLine } from '../../errors/log-line.js';
import { SseError, quoted } from '../../errors/sse.errors.js';
import type { LineLogger } from '../../errors/health-report.js';
import type { Awaitable, EventLog, LogSnapshots } from '../../log/event-log.js';
import type { Parse } from '../../log/log-entry.js';
import type { Serialize } from '../../events/to-event.js';
import type { Clock } from '../../time/clock.js';
import type { ChannelState, StateSource } from '../snapshot/state-source.js';
import { ChannelFold, type FoldedEvents } from './channel-fold.js';
import { foldKey, type Fold } from './fold.js';
import type { FoldedChannel } from './folded-state.js';

/** The parts that all folds of a process share. */
export interface FoldsInit {
  readonly log: EventLog;
  readonly parse: Parse;
  readonly serialize: Serialize | undefined;
  readonly clock: Clock;
  readonly logger: LineLogger | undefined;
}

/** The folds of this process: one for each channel and fold, while something holds it. */
export class Folds {
  private readonly folds = new Map<string, ChannelFold>();

  constructor(private readonly init: FoldsInit) {}

  /**
   * Checks that this log can keep the states of a fold. Returns their store.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS`
   */
  check(fold: Fold): LogSnapshots {
    const { snapshots: store } = this.init.log;
    if (!store) throw noStates(fold);
    return store;
  }

  /**
   * The fold of a channel.
   *
   * @throws {SseError} `SSE_INVALID_OPTIONS` if the log keeps no folded states.
   */
  get(fold: Fold, channel: FoldedChannel): ChannelFold {
    const { log, parse, serialize, clock, logger } = this.init;
    const store = this.check(fold);
    const key = foldKey(fold);
    // A name of a channel has no control characters.
    const id = `${channel.channel}\n${key}`;
    let found = this.folds.get(id);
    if (!found) {
      const failed = (error: unknown): void => {
        logLine(logger, 'warn', withCause(error));
      };
      const idle = (): void => void this.folds.delete(id);
      found = new ChannelFold({ ...channel, key, fold, log, store, parse, serialize, clock, failed, idle });
      this.folds.set(id, found);
    }
    return found;
  }

  /** The states of a subscription. */
  source(fold: Fold, channels: readonly FoldedChannel[]): StateSource {
    return new FoldedStates(() => channels.map((channel) => this.get(fold, channel)));
  }

  /** Stores the states of all channels, and stops. */
  async close(): Promise<void> {
    await Promise.all([...this.folds.values()].map(async (fold) => fold.close()));
    this.folds.clear();
  }
}

/** The states that a subscription takes from folds. */
class FoldedStates implements StateSource {
  private releases: (() => void)[] = [];

  constructor(private readonly folds: () => readonly ChannelFold[]) {}

  open(): void {
    this.releases = this.folds().map((fold) => fold.hold());
  }

  take(): Awaitable<ChannelState | undefined> {
    const states = this.folds().map((fold) => fold.state());
    const waits = states.some((state) => state instanceof Promise);
    return waits ? Promise.all(states).then(join) : join(states as (FoldedEvents | undefined)[]);
  }

  close(): void {
    for (const release of this.releases.splice(0)) release();
  }
}

function join(states: readonly (FoldedEvents | undefined)[]): ChannelState | undefined {
  if (!states.every((state) => state !== undefined)) return undefined;
  return { at: states.map(({ at }) => at), records: states.flatMap(({ records }) => records) };
}

/** The message of an error and that of its cause, which is an error of the application. */
function withCause(error: unknown): string {
  const cause = attempt(() => (error as { cause?: unknown }).cause, undefined);
  const isError = attempt(() => cause instanceof Error, false);
  return isError ? `${messageOf(error)} ${messageOf(cause)}` : messageOf(error);
}

function noStates(fold: Fold): SseError {
  return new SseError(
    'SSE_INVALID_OPTIONS',
    `The event log keeps no states, so the fold ${quoted(foldKey(fold))} cannot be used.`,
    {
      remedy: 'Give the log the property "snapshots", or use the option "snapshot" of subscribe().',
      context: { option: 'fold' },
    },
  );
}
