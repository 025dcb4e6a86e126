import { AsyncResource } from 'node:async_hooks';
import { asksApplication, Heartbeat, type HeartbeatOwner } from '../stages/heartbeat.js';
import { spread, Timekeeper } from '../time/timekeeper.js';
import { immediate } from '../errors/guard.js';
import { event } from '../events/sse-event.js';
import { toEvent } from '../events/to-event.js';
import type { Pipeline } from '../pipeline.js';
import { farewellFor } from '../stages/ending.stage.js';
import type { TimeoutOptions } from '../stages/lifetime.options.js';
import { valueFor } from '../stages/payload.js';
import { RightToStay } from './right-to-stay.js';
import type { RoutedStream, StreamHost } from './stream-host.js';

/** The stream whose time is watched. */
export interface LastingStream extends HeartbeatOwner, RoutedStream {
  readonly host: StreamHost;
  readonly reconnects: boolean;
  readonly stages: Pipeline;
  readonly troubles: { onTeardownError(error: unknown): void };
  /** A guard rejects the stream that it had allowed. */
  revoked(error: unknown): void;
}

/** Everything that becomes due while a stream is open: heartbeats, time limits, and checks of the right to the stream. */
export class StreamTime {
  private readonly stay: RightToStay | undefined;
  /** The async context of the request. The head can be sent in the context of another request. */
  private readonly scope: AsyncResource | undefined;
  private heartbeat: Heartbeat | undefined;
  private timekeeper: Timekeeper | undefined;

  constructor(private readonly stream: LastingStream) {
    const { expiresAt, revalidateMs, timeout, heartbeat } = stream.route.options;
    if (expiresAt !== undefined || revalidateMs !== false) this.stay = rightToStay(stream);
    if (this.stay || timeout || (heartbeat && asksApplication(heartbeat))) {
      this.scope = new AsyncResource('EventStream');
    }
  }

  /**
   * Called before anything is made for the stream.
   *
   * @throws {UnauthorizedException} if the right to the stream has already expired
   */
  begin(): void {
    this.stay?.begin();
  }

  /** Called when the head is sent. */
  start(): void {
    if (this.scope) this.scope.runInAsyncScope(() => this.startAll());
    else this.startAll();
  }

  private startAll(): void {
    const { stream, stay } = this;
    const { connection, route } = stream;
    const { heartbeat, timeout, maxDurationMs } = route.options;
    if (heartbeat) {
      this.heartbeat = new Heartbeat(heartbeat, stream, connection.timers, connection);
      this.heartbeat.start();
    }
    if (!timeout && !maxDurationMs && !stay) return;
    this.timekeeper = new Timekeeper(connection.timers, stream);
    if (timeout) this.endAfter(timeout, this.timekeeper);
    if (maxDurationMs) this.timekeeper.after(spread(maxDurationMs), () => connection.end('SSE_EXPIRED'));
    stay?.watch(this.timekeeper);
  }

  private endAfter({ afterMs, event: type, data = TIMED_OUT }: TimeoutOptions, timekeeper: Timekeeper): void {
    const { connection, context, reconnects, route } = this.stream;
    const { emits, serialize } = route.options;
    timekeeper.after(immediate(valueFor(afterMs, context), 'timeout.afterMs'), () => {
      const id = farewellFor(route.options, reconnects)?.id;
      const last = event({ type, id, data: valueFor<unknown>(data, context) });
      connection.endWith(toEvent(last, emits, serialize), 'SSE_EXPIRED');
    });
  }

  stop(): void {
    this.heartbeat?.stop();
    this.timekeeper?.stop();
    this.stay?.stop();
  }
}

const TIMED_OUT = { type: 'timeout', message: 'The time of this stream is up.' };

function rightToStay(stream: LastingStream): RightToStay {
  const { connection, context, route, host } = stream;
  return new RightToStay({
    context,
    clock: connection.timers.clock,
    expiresAt: route.options.expiresAt,
    revalidateMs: route.options.revalidateMs,
    guards: () => host.guards.of(context),
    // The client may reconnect, with a new right.
    expired: (error) => connection.endWith(stream.stages.ending.eventOf(error), 'SSE_EXPIRED'),
    refused: (error) => stream.revoked(error),
    teardownFailed: (error) => stream.troubles.onTeardownError(error),
  });
}
