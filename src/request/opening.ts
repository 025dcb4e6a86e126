import type { ChannelSubscription } from '../channels/subscription.js';
import type { StreamConnection } from '../connection/connection.js';
import { event } from '../events/sse-event.js';
import { expectAnswer } from '../time/answer-timer.js';
import { PLACE_TYPE } from '../wire/end-of-stream.js';

/** Milliseconds that a new stream waits for a log that is down, until it is answered with 503. `publish()` waits as long. */
const PLACE_WITHIN_MS = 5000;

/** Sends the head of a stream that has no first event yet. */
export class Opening {
  private cancelTimer: (() => void) | undefined;

  constructor(
    private readonly connection: StreamConnection,
    private readonly reconnects: boolean,
  ) {}

  /** Sends the head after `ms` milliseconds. 0 means one turn of the event loop: an error may already be on its way. */
  after(ms: number): void {
    const { connection } = this;
    const { clock } = connection.timers;
    const open = (): void => connection.open();
    if (ms === 0) clock.defer(open);
    else this.cancelTimer = expectAnswer(clock, ms, open);
  }

  /**
   * Sends the head when the subscription knows its position: a client that has seen the head misses nothing that is
   * published afterwards. A client that reconnects by itself also receives the position as an ID, because it may lose its
   * connection before the first event.
   */
  atPlace(subscription: ChannelSubscription): void {
    const { connection, reconnects } = this;
    const open = (): void => {
      const { cursor } = subscription;
      if (reconnects && !connection.used && cursor !== undefined && cursor !== connection.lastEventId) {
        connection.next(event({ type: PLACE_TYPE, id: cursor, data: '' }));
      }
      connection.open();
    };
    // A head without a position would promise that nothing is missed from now on, and the log may be down for long.
    const giveUp = (): void => subscription.giveUp();
    this.cancelTimer = expectAnswer(connection.timers.clock, PLACE_WITHIN_MS, giveUp);
    void subscription.ready.then(() => {
      // A subscription that has ended may have failed, which can still be an HTTP error. Its source reports it.
      if (!subscription.ended) open();
    });
  }

  cancel(): void {
    this.cancelTimer?.();
  }
}
