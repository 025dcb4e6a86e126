import { isObservable } from 'rxjs';
import { SseError, quoted } from '../errors/sse.errors.js';
import { PulledSource, type Teardown } from './pulled.source.js';
import { PushedSource } from './pushed.source.js';
import { isSource, type Source } from './source.js';
import { isReadable, isWebStream, openStream } from './streams.js';
import { responseSource } from './upstream.js';
import { isWebResponse } from './web-response.js';

/**
 * The source behind a handler's result, or `undefined` for a plain value, which is an ordinary answer.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` for a value that looks like a stream but cannot be streamed.
 */
export function toSource(result: unknown, teardown: Teardown): Source | undefined {
  if (typeof result === 'string' || typeof result === 'function') throw notStreamable(result);
  if (typeof result !== 'object' || result === null) return undefined;
  if (isSource(result)) return result;
  if (isObservable(result)) return new PushedSource(result, teardown);
  if (isWebResponse(result)) return responseSource(result, teardown);
  if (isReadable(result)) {
    // Without a listener, an error before the first read would end the process.
    result.on('error', () => undefined);
    return new PulledSource(
      () => openStream(result),
      teardown,
      () => result.destroy(),
    );
  }
  if (isWebStream(result)) {
    return new PulledSource(
      () => openStream(result),
      teardown,
      () => void result.cancel().catch(() => undefined),
    );
  }
  if (result instanceof String) throw notStreamable(result);
  // A Buffer is a body. It is iterable, but a stream of its numbers would never be intended.
  if (ArrayBuffer.isView(result)) return undefined;
  const iterable = result as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  if (typeof iterable[Symbol.asyncIterator] === 'function') {
    const start = (): AsyncIterator<unknown> => (result as AsyncIterable<unknown>)[Symbol.asyncIterator]();
    return new PulledSource(
      () => ({ iterator: start() }),
      teardown,
      () => void release(result),
    );
  }
  if (typeof iterable[Symbol.iterator] === 'function') {
    const start = (): Iterator<unknown> => (result as Iterable<unknown>)[Symbol.iterator]();
    return new PulledSource(() => ({ iterator: start() }), teardown);
  }
  const { next, subscribe } = result as { next?: unknown; subscribe?: unknown };
  if (typeof next === 'function' || typeof subscribe === 'function') throw notStreamable(result);
  return undefined;
}

/** Releases an iterator that was never read. It can hold resources already, such as the listeners of `events.on()`. */
async function release(iterator: Partial<AsyncIterator<unknown>>): Promise<void> {
  if (typeof iterator.next !== 'function' || typeof iterator.return !== 'function') return;
  try {
    await iterator.return();
  } catch {
    // The stream is over, so nobody can receive this error.
  }
}

function notStreamable(result: unknown): SseError {
  const [what, remedy] = mistake(result);
  return new SseError('SSE_NOT_STREAMABLE', `An @Sse() handler returned ${what}.`, {
    remedy,
    context: { result },
  });
}

function mistake(result: unknown): [what: string, remedy: string] {
  if (typeof result === 'function') {
    return [quoted(result), 'Call the function, and return the generator that it creates.'];
  }
  if (typeof result === 'string' || result instanceof String) {
    return [
      `the string ${quoted(String(result))}`,
      'Yield the string to send it as an event, or return it inside an object for an ordinary JSON answer.',
    ];
  }
  if (typeof (result as { subscribe?: unknown }).subscribe === 'function') {
    return [
      `${quoted(result)}, which has subscribe() but is not an Observable`,
      'If it is a channel, return the result of its subscribe(). Otherwise return an Observable of rxjs.',
    ];
  }
  return [
    `${quoted(result)}, which has next() but cannot be iterated`,
    'Give it a [Symbol.asyncIterator]() method that returns itself, or return an async generator.',
  ];
}
