import { AsyncResource } from 'node:async_hooks';
import { asksApplication, Heartbeat, type HeartbeatOwner } from '../stages/heartbeat.js';
import { Timekeeper } from '../time/timekeeper.js';
import { watchTime, type Pipeline, type TimedStream } from '../pipeline.js';
import { RightToStay } from './right-to-stay.js';
import type { RoutedStream, StreamHost } from './stream-host.js';

/** A stream with a heartbeat, an end, and a right to go on until then. */
export interface LastingStream extends TimedStream, HeartbeatOwner, RoutedStream {
  readonly host: StreamHost;
  readonly stages: Pipeline;
  readonly troubles: { onTeardownError(error: unknown): void };
  /** A guard no longer lets the stream through. */
  revoked(error: unknown): void;
}

/** What becomes due while a stream is open: heartbeats, its end, the questions whether it may stay. */
export class StreamTime {
  private readonly stay: RightToStay | undefined;
  /** The async context of the request: whoever has the head go out may be in another. */
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
   * Before anything is made for the stream.
   *
   * @throws {UnauthorizedException} if the right to it has ended already.
   */
  begin(): void {
    this.stay?.begin();
  }

  /** From the head on. */
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
    watchTime(route.options, stream, this.timekeeper);
    stay?.watch(this.timekeeper);
  }

  stop(): void {
    this.heartbeat?.stop();
    this.timekeeper?.stop();
  }
}

function rightToStay(stream: LastingStream): RightToStay {
  const { connection, context, route, host } = stream;
  return new RightToStay({
    context,
    clock: connection.timers.clock,
    expiresAt: route.options.expiresAt,
    revalidateMs: route.options.revalidateMs,
    guards: () => host.guards.of(context),
    // Not told to stay away: with a new right, the client may come back.
    expired: (error) => connection.endWith(stream.stages.eventOf(error), 'SSE_EXPIRED'),
    refused: (error) => stream.revoked(error),
    teardownFailed: (error) => stream.troubles.onTeardownError(error),
  });
}
