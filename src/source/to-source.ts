import { isObservable } from 'rxjs';
import { SseError, quoted } from '../errors/sse.errors.js';
import { PulledSource, type Teardown } from './pulled.source.js';
import { PushedSource } from './pushed.source.js';
import { isSource, type Source } from './source.js';
import { isReadable, isWebStream, openStream } from './streams.js';
import { responseSource } from './upstream.js';
import { isWebResponse } from './web-response.js';

/**
 * The source behind a handler's result, or `undefined` if it is a plain value: the route's ordinary answer.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` for what looks like a stream and is none.
 */
export function toSource(result: unknown, teardown: Teardown): Source | undefined {
  if (typeof result === 'string' || typeof result === 'function') throw notStreamable(result);
  if (typeof result !== 'object' || result === null) return undefined;
  if (isSource(result)) return result;
  if (isObservable(result)) return new PushedSource(result, teardown);
  if (isWebResponse(result)) return responseSource(result, teardown);
  if (isReadable(result)) {
    // An error before anybody reads would otherwise end the process.
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
  // Bytes in one piece are a body: a Buffer could be iterated, but nobody means a stream of numbers.
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

/** An iterator can hold something before it is read, such as the listeners of `events.on()`. */
async function release(iterator: Partial<AsyncIterator<unknown>>): Promise<void> {
  if (typeof iterator.next !== 'function' || typeof iterator.return !== 'function') return;
  try {
    await iterator.return();
  } catch {
    // Nobody is left to tell.
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
    return [quoted(result), 'Call it: return the generator that it makes, not the function.'];
  }
  if (typeof result === 'string' || result instanceof String) {
    return [
      `the string ${quoted(String(result))}`,
      'A string is not streamed character by character: yield it to send it as an event, or return it inside an object for an ordinary JSON answer.',
    ];
  }
  if (typeof (result as { subscribe?: unknown }).subscribe === 'function') {
    return [
      `${quoted(result)}, which has subscribe() but is no Observable`,
      'Return what its subscribe() gives if it is a channel, and an Observable of rxjs otherwise.',
    ];
  }
  return [
    `${quoted(result)}, which has next() but cannot be iterated`,
    'Give it a [Symbol.asyncIterator]() method that returns itself, or return an async generator.',
  ];
}
