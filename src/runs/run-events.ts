import type { Channels } from '../channels/channels.js';
import { channelKey, formatCursor, isCursor, parseCursor, type LogPosition } from '../log/cursor.js';
import type { EventLog, ReadLimit } from '../log/event-log.js';
import type { AnyContract } from '../events/event-contract.js';
import { toRecord } from '../log/log-record.js';
import { canBeFarewell, viewerError, endMarker, outcomeIn, type RunOutcome } from './run-outcome.js';
import type { ChannelEvent } from '../channels/channel-event.js';
import type { RunningRun } from './run.js';
import type { AttachOptions } from './run.options.js';
import { checkAfter } from '../channels/start-position.js';
import { ApplicationState } from '../channels/snapshot/application-state.js';
import type { ChannelFold } from '../channels/folds/channel-fold.js';
import type { AnyFold, Fold } from '../channels/folds/fold.js';
import type { FoldedChannel } from '../channels/folds/folded-state.js';
import type { StateSource } from '../channels/snapshot/state-source.js';
import { gapType, type ReaderOptions } from '../channels/subscription.options.js';
import type { SubscriptionReader } from '../channels/subscription-reader.js';
import type { MakeReader } from '../channels/waiting-reader.js';

/** The channels with the events of runs. */
export const EVENTS_PREFIX = 'run-events:';

/** The name of the channel with the events of one run. Each start of an id has its own. */
export function eventsChannel(id: string, run: string): string {
  return `${EVENTS_PREFIX}${run}:${id}`;
}

const READ_LIMIT: ReadLimit = { events: 1000, bytes: 1_048_576 };

/** The events of one run in the log, from its first position to the end marker. */
export class RunEvents {
  readonly channel: string;

  constructor(
    private readonly channels: Channels,
    readonly id: string,
    readonly run: string,
    readonly from: LogPosition,
  ) {
    this.channel = eventsChannel(id, run);
  }

  get log(): EventLog {
    return this.channels.log;
  }

  /** Describes the run, with the position of its last event, for `Runs.list()`. */
  describe(node: string, startedAt: number, last: LogPosition): RunningRun {
    const lastEventId = formatCursor([channelKey(this.channel)], [last]);
    return { id: this.id, node, startedAt: new Date(startedAt), lastEventId };
  }

  /** Counts the viewers of the run in this process. */
  viewersHere(): number {
    return this.channels.channel(this.channel).size();
  }

  /**
   * Makes the reader of the events after an id. It ends at the end marker and does not show it.
   *
   * @param records How the values of a snapshot become events.
   * @param end Returns the position before the end marker. `undefined` while the run is running.
   * @throws {SseError} `SSE_INVALID_CURSOR`, `SSE_INVALID_FIELD`
   */
  reader(
    {
      after,
      filter,
      events,
      snapshot,
      fold,
      ...options
    }: AttachOptions<never, never> & { events?: AnyContract | undefined },
    { records, end }: { records: ReaderOptions['records']; end: () => Promise<LogPosition | undefined> },
  ): MakeReader {
    if (events) this.agreeOn(events);
    let state: StateSource | undefined;
    if (snapshot) {
      state = new ApplicationState([channelKey(this.channel)], snapshot, async () => {
        const tail = await this.log.tail(this.channel);
        // If the marker is before the tail, this finds the end of the run.
        return [(await end()) ?? tail];
      });
    } else if (fold) state = this.channels.folds.source(fold as Fold, [this.folded]);
    checkAfter([channelKey(this.channel)], this.start(after, false));
    gapType(options);
    let reader: SubscriptionReader | undefined;
    const make = this.channels.reader(this.channel, {
      ...options,
      state,
      records,
      after: this.start(after, state !== undefined),
      filter: (event: ChannelEvent, channel: string) => {
        const outcome = outcomeIn(event, this.run);
        if (!outcome) return filter?.(event as never, channel) ?? true;
        const error = viewerError(outcome, this.id);
        if (error) throw error;
        reader?.end();
        return false;
      },
    } as ReaderOptions);
    return (owner) => (reader = make(owner));
  }

  /** The fold of the events in this process. */
  fold(fold: AnyFold): ChannelFold {
    return this.channels.folds.get(fold as Fold, this.folded);
  }

  private get folded(): FoldedChannel {
    const { channel, from, run } = this;
    return {
      channel,
      from,
      ends: (event, next) => {
        if (outcomeIn(event, run)) return true;
        // The last event of a run that was stopped follows the state, and is not part of it.
        if (!canBeFarewell(event)) return false;
        return next && outcomeIn(next, run)?.status === 'stopped';
      },
    };
  }

  /**
   * Remembers the contract of the run.
   *
   * @throws {SseError} `SSE_INVALID_CONTRACT` if it has another one in this process.
   */
  agreeOn(events: AnyContract): void {
    this.channels.channel(this.channel, events);
  }

  /** True for the id of an event of this run, after which there are more. */
  async continues(after: string | undefined): Promise<boolean> {
    if (after === undefined || after === '') return false;
    const cursor = parseCursor(after);
    const isHere = cursor
      ? cursor.has(channelKey(this.channel).tag)
      : (await this.log.locate(this.channel, after)) !== undefined;
    return isHere && this.hasMore(after);
  }

  /** True if there are events after an id, besides the end marker. */
  async hasMore(after: string | undefined): Promise<boolean> {
    const start = this.start(after, false) ?? '';
    const at = parseCursor(start)?.values().next().value ?? (await this.log.locate(this.channel, start));
    if (at === undefined) return true;
    const { entries, gap } = await this.log.read(this.channel, at, { events: 1, bytes: Infinity });
    const [next] = entries;
    return gap || next === undefined || outcomeIn(next.asText(), this.run) === undefined;
  }

  /**
   * Writes the end marker if it is missing after a position: its writer died, or if the log has evicted it
   * before all viewers had read it.
   */
  async ensureEnd(at: LogPosition, outcome: RunOutcome): Promise<void> {
    if (await this.endsAfter(at)) return;
    await this.log.append(this.channel, [toRecord(endMarker(this.run, outcome), undefined)]);
  }

  private async endsAfter(at: LogPosition): Promise<boolean> {
    for (let after = at; ;) {
      const { entries, gap, more } = await this.log.read(this.channel, after, READ_LIMIT);
      if (gap) return false;
      // Usually the first entry is the marker. An append of an owner that counts as lost can come before it.
      if (entries.some((entry) => outcomeIn(entry.asText(), this.run))) return true;
      const last = entries.at(-1)?.position;
      if (!more || last === undefined) return false;
      after = last;
    }
  }

  /** The id after which a viewer reads. With a state, a viewer without an id gets the state first. */
  private start(after: string | undefined, hasState: boolean): string | undefined {
    const key = channelKey(this.channel);
    if (after === undefined || after === '') return hasState ? undefined : formatCursor([key], [this.from]);
    // An id of an earlier run is not a position in this one.
    const isElsewhere = isCursor(after) && !parseCursor(after)?.has(key.tag);
    return isElsewhere ? formatCursor([key], [NOWHERE]) : after;
  }
}

/** Not a position of any log. Reading after it is a gap, followed by everything that is kept. */
const NOWHERE: LogPosition = '0-0';
