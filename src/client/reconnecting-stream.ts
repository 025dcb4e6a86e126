import { SseError, isSseError } from '../errors/sse.errors.js';
import { blockReader } from '../wire/block-reader.js';
import { END_OF_STREAM_ID, END_OF_STREAM_TYPE, PLACE_TYPE } from '../wire/end-of-stream.js';
import { reconnectDelay } from './backoff.js';
import type { EventStream, EventStreamState } from './event-stream.js';
import { makeExchange, type Exchange, type Refusal } from './exchange.js';
import { requestHeaders } from './request-headers.js';
import type { ResolvedConnectOptions } from './resolve-options.js';
import { makeWait } from './wait.js';

/** An observer of rxjs and of other libraries. */
interface Observer {
  next(value: object): void;
  error(error: unknown): void;
  complete(): void;
}

/** The failure of an attempt. It is empty if the response ended in order. */
type Failure = Partial<Omit<Refusal, 'error'>> & { error?: unknown };

const CLOSED = Symbol('closed');

/**
 * Returns the stream behind `connect()`: attempts, one after another, until there is a reason to stop. Its state is in variables, and
 * not in fields, because bundlers shorten their names.
 */
export function reconnectingStream(options: ResolvedConnectOptions): EventStream<object> {
  const { signal, retry, request } = options;
  const wait = makeWait(options.clock);
  let state: EventStreamState = 'idle';
  let lastEventId = options.after;
  let exchange: Exchange | undefined;
  /** True if the server has finished the stream. */
  let over = false;
  let failures = 0;
  let serverRetryMs: number | undefined;

  function enter(next: EventStreamState): void {
    if (state === next || state === 'closed') return;
    state = next;
    void tell(options.onState, next);
  }

  function stop(reason: unknown): void {
    enter('closed');
    wait.stop(reason);
    exchange?.release();
    signal?.removeEventListener('abort', aborted);
  }

  function aborted(): void {
    stop(signal?.reason);
  }

  async function* attempts(): AsyncGenerator<object, void, undefined> {
    try {
      if (signal?.aborted) aborted();
      signal?.addEventListener('abort', aborted);
      wait.check();
      for (;;) {
        enter('connecting');
        const headers = await wait.for(requestHeaders(options, lastEventId));
        const current = (exchange = makeExchange(options, wait));
        let opened = false;
        let failure: Failure = {};
        try {
          const answer = await current.send(headers);
          if (!answer) return;
          if (answer === true) {
            opened = true;
            enter('open');
            yield* read(current);
          } else failure = answer;
        } catch (error) {
          wait.check();
          // An event that is too long or breaks the contract. After a reconnect, the server would send it again.
          failure = { error, final: isSseError(error) };
        } finally {
          current.release();
        }
        if (opened && (over || (failure.error === undefined && !options.reconnectAfterEnd))) return;
        await pause(opened, failure);
      }
    } catch (error) {
      if (error !== CLOSED) throw error;
    } finally {
      stop(CLOSED);
    }
  }

  async function* read(from: Exchange): AsyncGenerator<object, void, undefined> {
    const reader = blockReader((ms) => {
      serverRetryMs = ms;
    }, options.maxEventLength);
    for (let bytes; (bytes = await from.read());) {
      for (const { id, type, data } of reader.feed(bytes)) {
        // This id is not a place in the stream. A user who kept it to resume from would only get 204.
        over = id === END_OF_STREAM_ID || (over && id === undefined);
        const own = over ? undefined : id;
        lastEventId = own ?? lastEventId;
        // Events of these types are for the client itself.
        if (data === undefined || type === END_OF_STREAM_TYPE || type === PLACE_TYPE) continue;
        const event = options.readEvent(type, data, own, lastEventId);
        if (!event) continue;
        yield event;
        wait.check();
      }
      reader.checkLength();
    }
  }

  /** Calls a function of the application. An error that it throws, or rejects with, ends the iteration. */
  async function tell<T>(listener: ((news: T) => unknown) | undefined, news: T): Promise<void> {
    try {
      await listener?.(news);
    } catch (error) {
      wait.stop(error);
    }
  }

  async function pause(opened: boolean, { error, final, retryAfterMs }: Failure): Promise<void> {
    if (final) throw error;
    failures = opened ? 0 : failures + 1;
    if (failures >= retry.maxAttempts) throw exhausted(error);
    const delayMs = reconnectDelay({ failures, serverRetryMs, retryAfterMs }, retry, options.random);
    enter('waiting');
    void tell(options.onRetry, { attempt: failures, delayMs, error });
    await wait.sleep(delayMs);
  }

  function exhausted(cause: unknown): SseError {
    const failed = failures > 1 ? `failed after ${failures} attempts` : failures ? 'failed' : 'broke off';
    return new SseError('SSE_RETRIES_EXHAUSTED', `${request} ${failed}: ${innermost(cause)}.`, {
      remedy: 'Check the server, or the option "retry".',
      context: { request, attempts: failures, lastEventId },
      cause,
    });
  }

  const events = attempts();
  const close = (): void => stop(CLOSED);
  const stream = {
    get state() {
      return state;
    },
    get lastEventId() {
      return lastEventId;
    },
    next: () => events.next(),
    return: () => {
      close();
      return events.return();
    },
    close,
    [Symbol.asyncIterator]: () => stream,
    // As rxjs and other libraries look for an observable: under the symbol, or under this name if no polyfill has defined it.
    [(Symbol as { observable?: symbol }).observable ?? '@@observable']: () => ({
      subscribe: (observer: Observer) => {
        void pipe(stream, observer);
        return { unsubscribe: close };
      },
    }),
  } as EventStream<object>;
  return stream;
}

async function pipe(events: EventStream<object>, observer: Observer): Promise<void> {
  try {
    for await (const event of events) observer.next(event);
    observer.complete();
  } catch (error) {
    observer.error(error);
  }
}

// The error of fetch says "fetch failed". Its cause has the reason, in Node sometimes as a code without a message.
function innermost(error: unknown): string {
  let deepest = error as { message?: string; code?: unknown; cause?: unknown } | null | undefined;
  // By shape, because an error of fetch can come from another realm. A few levels, because a cause chain can be circular.
  for (let level = 0; level < 5 && typeof deepest?.cause === 'object' && deepest.cause; level += 1) {
    deepest = deepest.cause;
  }
  const text = deepest?.message || (typeof deepest?.code === 'string' ? deepest.code : String(error));
  return text.replace(/[.\s]+$/, '');
}
