import type { Channels } from '../channels/channels.js';
import { channelKey, formatCursor, isCursor, parseCursor, type LogPosition } from '../log/cursor.js';
import type { EventLog } from '../log/event-log.js';
import { toRecord } from '../log/log-record.js';
import { complaint, endMarker, outcomeIn, type RunOutcome } from './run-outcome.js';
import type { AttachOptions } from './run.options.js';
import type { ChannelSubscription } from '../channels/subscription.js';

/** The name of the channel with the events of one run: each start of an id has one of its own. */
export function eventsChannel(id: string, run: string): string {
  return `run-events:${run}:${id}`;
}

/** The events of one run, as the log has them: from its place of beginning to its end marker. */
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

  /** How many view the run in this process. */
  viewersHere(): number {
    return this.channels.channel(this.channel).size();
  }

  /**
   * What follows a place, up to the end marker, which is not shown.
   *
   * @throws {SseError} `SSE_INVALID_CURSOR`, `SSE_INVALID_FIELD`
   */
  subscribe<T>({ after, filter, ...options }: AttachOptions<T>): ChannelSubscription<T> {
    const subscription = this.channels.channel<T>(this.channel).subscribe({
      ...options,
      after: this.start(after),
      filter: (event, channel) => {
        const outcome = outcomeIn(event, this.run);
        if (!outcome) return filter?.(event, channel) ?? true;
        const error = complaint(outcome, this.id);
        if (error) throw error;
        subscription.close();
        return false;
      },
    });
    return subscription;
  }

  /** Whether there is something to show after a place, besides the end. */
  async hasMore(after: string | undefined): Promise<boolean> {
    const start = this.start(after);
    const place = parseCursor(start)?.values().next().value ?? (await this.log.locate(this.channel, start));
    return place === undefined || !(await this.endsAt(place));
  }

  /** Puts the end marker back if the log has let go of it: viewers who have not come to it wait for it. */
  async ensureEnd(at: LogPosition, outcome: RunOutcome): Promise<void> {
    if (!(await this.endsAt(at))) await this.end(outcome);
  }

  /** Adds an end marker. The first that a viewer comes to counts. */
  async end(outcome: RunOutcome): Promise<void> {
    await this.log.append(this.channel, [toRecord(endMarker(this.run, outcome), undefined)]);
  }

  private async endsAt(place: LogPosition): Promise<boolean> {
    const { entries, gap } = await this.log.read(this.channel, place, { events: 1, bytes: Infinity });
    const next = entries[0]?.asText();
    return !gap && next !== undefined && outcomeIn(next, this.run) !== undefined;
  }

  private start(after: string | undefined): string {
    const key = channelKey(this.channel);
    if (after === undefined || after === '') return formatCursor([key], [this.from]);
    // The id of an earlier run says nothing about this one.
    const isElsewhere = isCursor(after) && !parseCursor(after)?.has(key.tag);
    return isElsewhere ? formatCursor([key], [NOWHERE]) : after;
  }
}

/** No position of any log: what follows it is a gap, and everything that is kept. */
const NOWHERE: LogPosition = '0-0';
