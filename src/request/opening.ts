import type { ChannelSubscription } from '../channels/subscription.js';
import type { StreamConnection } from '../connection/connection.js';
import { event } from '../events/sse-event.js';
import { PLACE_TYPE } from '../wire/end-of-stream.js';

/** How long a new stream waits for a log that is down before it is answered with 503. As long as `publish()` waits. */
const PLACE_WITHIN_MS = 5000;

/** When the head of a stream goes out where no event takes it along. */
export class Opening {
  private timer: unknown;

  constructor(
    private readonly connection: StreamConnection,
    private readonly comesBack: boolean,
  ) {}

  /** After so long; 0 is a turn, for errors that are on their way. */
  after(ms: number): void {
    const { connection } = this;
    const { clock } = connection.timers;
    const open = (): void => connection.open();
    if (ms === 0) clock.defer(open);
    else this.timer = clock.schedule(open, ms);
  }

  /**
   * A client that has seen the head of a channel's stream misses nothing that is published from then on: the head waits
   * for the subscription's place. One that reconnects by itself is told that place, for it may lose its connection
   * before the first event.
   */
  atPlace(subscription: ChannelSubscription): void {
    const { connection, comesBack } = this;
    const open = (): void => {
      const { cursor } = subscription;
      if (comesBack && !connection.used && cursor !== undefined && cursor !== connection.lastEventId) {
        connection.next(event({ type: PLACE_TYPE, id: cursor, data: '' }));
      }
      connection.open();
    };
    // A head without a place would promise that nothing is missed from then on, and the log may be gone for long.
    const giveUp = (): void => subscription.giveUp();
    this.timer = connection.timers.clock.schedule(giveUp, PLACE_WITHIN_MS);
    void subscription.ready.then(() => {
      // One that is over already may have failed, which can still be an HTTP error: its source will tell.
      if (!subscription.ended) open();
    });
  }

  cancel(): void {
    this.connection.timers.clock.cancel(this.timer);
  }
}
