import type { Channels } from '../channels/channels.js';
import { channelKey, formatCursor, isCursor, parseCursor, type LogPosition } from '../log/cursor.js';
import type { EventLog, ReadLimit } from '../log/event-log.js';
import type { AnyContract } from '../events/event-contract.js';
import { toRecord } from '../log/log-record.js';
import { viewerError, endMarker, outcomeIn, type RunOutcome } from './run-outcome.js';
import type { AttachOptions } from './run.options.js';
import type { ChannelSubscription } from '../channels/subscription.js';

/** The name of the channel with the events of one run. Each start of an id has its own. */
export function eventsChannel(id: string, run: string): string {
  return `run-events:${run}:${id}`;
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

  /** Counts the viewers of the run in this process. */
  viewersHere(): number {
    return this.channels.channel(this.channel).size();
  }

  /**
   * Subscribes to the events after an id. The subscription ends at the end marker and does not show it.
   *
   * @throws {SseError} `SSE_INVALID_CURSOR`, `SSE_INVALID_FIELD`
   */
  subscribe({
    after,
    filter,
    events,
    ...options
  }: AttachOptions<never, never> & { events?: AnyContract }): ChannelSubscription {
    if (events) this.agreeOn(events);
    const subscription = this.channels.channel(this.channel).subscribe({
      ...options,
      after: this.start(after),
      filter: (event, channel) => {
        const outcome = outcomeIn(event, this.run);
        if (!outcome) return filter?.(event as never, channel) ?? true;
        const error = viewerError(outcome, this.id);
        if (error) throw error;
        subscription.close();
        return false;
      },
    });
    return subscription;
  }

  /**
   * Remembers the contract of the run.
   *
   * @throws {SseError} `SSE_INVALID_CONTRACT` if it has another one in this process.
   */
  agreeOn(events: AnyContract): void {
    this.channels.channel(this.channel, events);
  }

  /** True if there are events after an id, besides the end marker. */
  async hasMore(after: string | undefined): Promise<boolean> {
    const start = this.start(after);
    const at = parseCursor(start)?.values().next().value ?? (await this.log.locate(this.channel, start));
    if (at === undefined) return true;
    const { entries, gap } = await this.log.read(this.channel, at, { events: 1, bytes: Infinity });
    const [next] = entries;
    return gap || next === undefined || outcomeIn(next.asText(), this.run) === undefined;
  }

  /**
   * Writes the end marker if there is none after a position. It is missing if its writer died, or if the log has evicted it
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

  private start(after: string | undefined): string {
    const key = channelKey(this.channel);
    if (after === undefined || after === '') return formatCursor([key], [this.from]);
    // An id of an earlier run is not a position in this one.
    const isElsewhere = isCursor(after) && !parseCursor(after)?.has(key.tag);
    return isElsewhere ? formatCursor([key], [NOWHERE]) : after;
  }
}

/** Not a position of any log. Reading after it is a gap, followed by everything that is kept. */
const NOWHERE: LogPosition = '0-0';
