import { SseError, isSseError } from '../errors/sse.errors.js';
import { END_OF_STREAM_ID, END_OF_STREAM_TYPE, PLACE_TYPE } from '../wire/end-of-stream.js';
import { reconnectDelay } from './backoff.js';
import { BlockReader } from '../wire/block-reader.js';
import type { EventStream, EventStreamState } from './event-stream.js';
import { Exchange } from './exchange.js';
import { JsonEvent, type ReceivedEvents } from './received-event.js';
import { requestHeaders } from './request-headers.js';
import type { ResolvedConnectOptions } from './resolve-options.js';
import { Wait } from './wait.js';

/** Why an attempt is over, where the stream is not. */
interface Outcome {
  /** `undefined` if the response ended in order. */
  error: unknown;
  /** Whether there was an event stream at all. */
  opened: boolean;
  final?: boolean;
  retryAfterMs?: number | undefined;
}

const CLOSED = Symbol('closed');

/** Types of events that say something to clients, and nothing to who reads the stream. */
const OF_THE_LIBRARY: ReadonlySet<string> = new Set([END_OF_STREAM_TYPE, PLACE_TYPE]);

/** The stream behind `connect`: attempts, one after another, until there is a reason to stop. */
export class ReconnectingStream<Map extends object> implements EventStream<Map> {
  state: EventStreamState = 'idle';
  lastEventId: string;
  private readonly wait: Wait;
  private readonly events: AsyncGenerator<ReceivedEvents<Map>, undefined, undefined>;
  private exchange: Exchange | undefined;
  private leaveSignal: (() => void) | undefined;
  /** The server has said that there is nothing more to come back for. */
  private over = false;
  private failures = 0;
  private serverRetryMs: number | undefined;

  constructor(private readonly options: ResolvedConnectOptions) {
    this.lastEventId = options.after;
    this.wait = new Wait(options.clock);
    this.events = this.attempts();
  }

  next(): Promise<IteratorResult<ReceivedEvents<Map>, undefined>> {
    return this.events.next();
  }

  return(): Promise<IteratorResult<ReceivedEvents<Map>, undefined>> {
    this.close();
    return this.events.return(undefined);
  }

  close(): void {
    this.stop(CLOSED);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  private stop(reason: unknown): void {
    this.state = 'closed';
    this.wait.stop(reason);
    this.exchange?.release();
    this.leaveSignal?.();
  }

  private heedSignal(signal: AbortSignal): void {
    if (signal.aborted) return this.stop(signal.reason);
    const aborted = (): void => this.stop(signal.reason);
    signal.addEventListener('abort', aborted);
    this.leaveSignal = () => signal.removeEventListener('abort', aborted);
  }

  private async *attempts(): AsyncGenerator<ReceivedEvents<Map>, undefined, undefined> {
    try {
      if (this.options.signal) this.heedSignal(this.options.signal);
      this.wait.check();
      for (;;) {
        const outcome = yield* this.attempt();
        if (outcome === undefined || this.isOver(outcome)) return undefined;
        await this.pause(outcome);
      }
    } catch (error) {
      if (error !== CLOSED) throw error;
      return undefined;
    } finally {
      this.close();
    }
  }

  /** One request, and the events of its response. `undefined` is the end that 204 means. */
  private async *attempt(): AsyncGenerator<ReceivedEvents<Map>, Outcome | undefined, undefined> {
    this.state = 'connecting';
    const headers = await this.wait.for(requestHeaders(this.options, this.lastEventId));
    const exchange = new Exchange(this.options, this.wait);
    this.exchange = exchange;
    let opened = false;
    try {
      const answer = await exchange.send(headers);
      if (answer.kind === 'finished') return undefined;
      if (answer.kind === 'refused') return { opened, ...answer };
      opened = true;
      this.state = 'open';
      yield* this.read(exchange);
      return { opened, error: undefined };
    } catch (error) {
      this.wait.check();
      // A reconnect would only meet the same event again.
      return { opened, error, final: isSseError(error, 'SSE_EVENT_TOO_LARGE') };
    } finally {
      exchange.release();
    }
  }

  private async *read(exchange: Exchange): AsyncGenerator<ReceivedEvents<Map>, void, undefined> {
    const { events, maxEventLength } = this.options;
    const reader = new BlockReader((ms) => {
      this.serverRetryMs = ms;
    }, maxEventLength);
    for (let bytes = await exchange.read(); bytes !== undefined; bytes = await exchange.read()) {
      for (const { id, type, data } of reader.feed(bytes)) {
        // Not a place in the stream: who kept it to resume from would never be answered again.
        this.over = id === END_OF_STREAM_ID || (this.over && id === undefined);
        const own = this.over ? undefined : id;
        this.lastEventId = own ?? this.lastEventId;
        if (data === undefined || OF_THE_LIBRARY.has(type) || events?.has(type) === false) continue;
        yield new JsonEvent(type, data, own, this.lastEventId) as object as ReceivedEvents<Map>;
        this.wait.check();
      }
      reader.checkLength();
    }
  }

  /** Whether the stream ends with this attempt. A server that sent the reserved id would only answer 204. */
  private isOver({ opened, error }: Outcome): boolean {
    if (opened && this.over) return true;
    const { retries, reconnectAfterEnd } = this.options;
    return opened && error === undefined && !(retries && reconnectAfterEnd);
  }

  private async pause({ error, opened, final, retryAfterMs }: Outcome): Promise<void> {
    if (final) throw error;
    const { retry, retries, random, onRetry } = this.options;
    this.failures = opened ? 0 : this.failures + 1;
    if (!retries || this.failures >= retry.maxAttempts) throw this.exhausted(error);
    const { failures, serverRetryMs } = this;
    const delayMs = reconnectDelay({ failures, serverRetryMs, retryAfterMs }, retry, random);
    this.state = 'waiting';
    onRetry?.({ attempt: failures, delayMs, error });
    await this.wait.sleep(delayMs);
  }

  private exhausted(cause: unknown): SseError {
    const { request } = this.options;
    const attempts = this.failures;
    const failed =
      attempts > 1 ? `failed after ${attempts} attempts` : attempts === 1 ? 'failed' : 'broke off';
    return new SseError('SSE_RETRIES_EXHAUSTED', `${request} ${failed}: ${innermost(cause)}.`, {
      remedy: 'See that the server can be reached, or allow more attempts by `retry`.',
      context: { request, attempts, lastEventId: this.lastEventId },
      cause,
    });
  }
}

// fetch says "fetch failed" and keeps what went wrong in its cause, in Node sometimes as a code without a message.
function innermost(error: unknown): string {
  let deepest = error as { message?: string; code?: unknown; cause?: unknown } | null | undefined;
  // By shape: an error of fetch may come from another realm than ours. A few levels: causes may run in a circle.
  for (let level = 0; level < 5 && typeof deepest?.cause === 'object' && deepest.cause; level += 1) {
    deepest = deepest.cause;
  }
  const text = deepest?.message || (typeof deepest?.code === 'string' ? deepest.code : String(error));
  return text.replace(/[.\s]+$/, '');
}
