import { SseError, quoted } from '../errors/sse.errors.js';

/**
 * Rejects objects that JSON would write as an empty object: a stream of values, a promise, bytes. An object with a `toJSON()`
 * is accepted. Other iterables, such as a `Map`, are left to the serializer.
 *
 * `withBytes` is true for a serializer of the application, which can support bytes.
 *
 * @throws {SseError} `SSE_NOT_SERIALIZABLE`
 */
export function rejectUnwritable(value: object, withBytes: boolean): void {
  const given = value as Shape;
  if (typeof given.then === 'function') throw notAwaited(value);
  if (Array.isArray(value)) return;
  const kind = sourceKind(given);
  if (kind !== undefined && typeof given.toJSON !== 'function') {
    release(given);
    throw nested(value, kind);
  }
  if (withBytes || isPlain(value)) return;
  const bytes = bytesKind(value);
  if (bytes !== undefined) throw notText(value, bytes);
}

/** The members by which sources of any package are recognized. */
interface Shape {
  then?: unknown;
  toJSON?: unknown;
  subscribe?: unknown;
  pipe?: unknown;
  next?: unknown;
  getReader?: unknown;
  arrayBuffer?: unknown;
  on?: unknown;
  destroy?: unknown;
  cancel?: unknown;
  body?: unknown;
  '@@observable'?: unknown;
  [Symbol.iterator]?: unknown;
  [Symbol.asyncIterator]?: unknown;
}

const SPREAD =
  'To send its values one by one, use "yield*" in place of "yield" in a generator, and switchMap() or mergeMap() in place of map() in an Observable.';
const RESPONSE =
  'Return it from the handler to pass it on as it is, or iterate eventsOf(response) to read its events. In an Observable, use switchMap() or mergeMap().';

function sourceKind(value: Shape): string | undefined {
  if (isFunction(value.subscribe) && (isFunction(value.pipe) || isFunction(value['@@observable']))) {
    return 'an Observable';
  }
  const isAsync = isFunction(value[Symbol.asyncIterator]);
  if (isFunction(value.next) && (isAsync || isFunction(value[Symbol.iterator]))) {
    return isAsync ? 'an async iterator' : 'an iterator';
  }
  // Streams and responses are instances of classes, and most values are not.
  if (!isPlain(value)) {
    if (isFunction(value.getReader)) return 'a ReadableStream';
    if (isFunction(value.pipe) && isFunction(value.on)) return 'a Node stream';
    if (isFunction(value.arrayBuffer) && tagOf(value) === 'Response') return 'a Response';
  }
  return isAsync ? 'an async iterable' : undefined;
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function bytesKind(value: object): string | undefined {
  if (ArrayBuffer.isView(value)) return tagOf(value);
  const tag = tagOf(value);
  return /^(?:Shared)?ArrayBuffer$|^(?:Blob|File)$/.test(tag) ? tag : undefined;
}

function tagOf(value: object): string {
  return Object.prototype.toString.call(value).slice(8, -1);
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}

/** Releases the resources of a stream that nobody reads. A failure must not end the process. */
function release(value: Shape): void {
  const { on, destroy, cancel, body } = value as {
    on?: (event: string, listener: () => void) => void;
    destroy?: () => void;
    cancel?: () => Promise<void> | undefined;
    body?: Shape | null;
  };
  if (isFunction(value.pipe) && on && destroy) {
    on.call(value, 'error', () => undefined);
    destroy.call(value);
  } else if (isFunction(value.getReader) && cancel) {
    void cancel.call(value)?.catch(() => undefined);
  } else if (body && tagOf(value) === 'Response') release(body);
}

function notAwaited(promise: object): SseError {
  // Nothing awaits this promise, so its rejection must not end the process.
  if (promise instanceof Promise) promise.catch(() => undefined);
  return new SseError(
    'SSE_NOT_SERIALIZABLE',
    `The value ${quoted(promise)} would be written as an empty object.`,
    {
      remedy:
        'Await it before it is the data of an event; in an interceptor, or another Observable, use concatMap() in place of map().',
      context: { value: promise },
    },
  );
}

function nested(value: object, kind: string): SseError {
  return new SseError('SSE_NOT_SERIALIZABLE', `The data of an event cannot be ${kind}.`, {
    remedy: kind === 'a Response' ? RESPONSE : SPREAD,
    context: { value },
  });
}

function notText(value: object, kind: string): SseError {
  return new SseError('SSE_NOT_SERIALIZABLE', `The data of an event cannot be bytes (${kind}).`, {
    remedy:
      'Make text of them: new TextDecoder().decode(bytes), or Buffer.from(bytes).toString("base64"). Or set the route option "serialize".',
    context: { value },
  });
}
