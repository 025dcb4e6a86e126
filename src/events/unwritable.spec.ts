import { PassThrough } from 'node:stream';
import { of } from 'rxjs';
import { rejectUnwritable } from './unwritable.js';

const iterator = { next: () => ({ done: true, value: undefined }) };
const reject =
  (value: object, withBytes = false) =>
  () =>
    rejectUnwritable(value, withBytes);

describe('rejectUnwritable()', () => {
  it.each<[string, object]>([
    ['an Observable', of(1)],
    ['an Observable', { subscribe() {}, '@@observable'() {} }],
    [
      'an async iterator',
      (async function* () {
        yield 1;
      })(),
    ],
    ['an iterator', [1].values()],
    ['an async iterable', { [Symbol.asyncIterator]: () => iterator }],
    ['a ReadableStream', new ReadableStream()],
    ['a Node stream', new PassThrough()],
    ['a Response', new Response('text')],
  ])('rejects %s, and says what to do', (kind, value) => {
    expect(reject(value)).toThrow(
      expect.objectContaining({
        code: 'SSE_NOT_SERIALIZABLE',
        message: expect.stringContaining(`The data of an event cannot be ${kind}.`) as string,
        context: { value },
      }),
    );
    expect(reject(value)).toThrow(kind === 'a Response' ? 'eventsOf(response)' : '"yield*"');
    expect(reject(value, true)).toThrow(kind);
  });

  it.each<[string, object]>([
    ['Uint8Array', new Uint8Array(2)],
    ['Float64Array', new Float64Array(1)],
    ['DataView', new DataView(new ArrayBuffer(1))],
    ['ArrayBuffer', new ArrayBuffer(1)],
    ['SharedArrayBuffer', new SharedArrayBuffer(1)],
    ['Blob', new Blob(['a'])],
  ])('rejects a %s, unless the serializer is one of the application', (kind, value) => {
    expect(reject(value)).toThrow(
      expect.objectContaining({
        code: 'SSE_NOT_SERIALIZABLE',
        message: expect.stringContaining(`The data of an event cannot be bytes (${kind}).`) as string,
        context: { value },
      }),
    );
    expect(reject(value)).toThrow('new TextDecoder().decode(bytes)');
    expect(reject(value, true)).not.toThrow();
  });

  it.each<[string, object]>([
    ['a promise', Promise.resolve(1)],
    ['a promise that is rejected', Promise.reject(new Error('not awaited'))],
    ['a query that runs when it is awaited', { then() {} }],
  ])('rejects %s, which would have to be awaited', (_, value) => {
    expect(reject(value)).toThrow(expect.objectContaining({ context: { value } }));
    expect(reject(value)).toThrow('would be written as an empty object');
    expect(reject(value, true)).toThrow('Await it');
  });

  it.each<[string, object]>([
    ['a plain object', { subscribe: 1, pipe: 2, next: 3, then: 4, arrayBuffer: 5 }],
    ['an object without a prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    ['a plain object with the methods of a stream', { getReader() {}, pipe() {}, on() {}, text: 'a' }],
    [
      'an object without a prototype with the methods of a stream',
      Object.assign(Object.create(null) as object, { getReader() {}, pipe() {}, on() {} }),
    ],
    ['an array', [of(1)]],
    ['an array with an iterator of its own', Object.assign([1], { next() {} })],
    ['a Map', new Map([[1, 2]])],
    ['a Set', new Set([1])],
    ['a Date', new Date()],
    ['a stream that has a toJSON()', Object.assign(new PassThrough(), { toJSON: () => 'a' })],
    ['an object that can be subscribed to, and not piped', { subscribe() {} }],
    ['an object that has a step, and cannot be iterated', { next() {} }],
    [
      'a class with one method of a stream',
      new (class {
        pipe() {}
      })(),
    ],
    [
      'a class with another method of a stream',
      new (class {
        on() {}
      })(),
    ],
    ['a request of fetch', new Request('http://localhost/')],
  ])('accepts %s', (_, value) => {
    expect(reject(value)).not.toThrow();
  });

  it('closes a stream that nobody will read', async () => {
    const stream = new PassThrough();
    expect(reject(stream)).toThrow();
    expect(stream.destroyed).toBe(true);
    const failing = new PassThrough({ destroy: (_, done) => done(new Error('at the end')) });
    expect(reject(failing)).toThrow();
    await new Promise((resolve) => failing.on('close', resolve));

    for (const wrap of [(body: ReadableStream) => body, (body: ReadableStream) => new Response(body)]) {
      let cancelled = 0;
      const body = new ReadableStream({
        cancel: () => (cancelled++, Promise.reject(new Error('at the end'))),
      });
      expect(reject(wrap(body))).toThrow();
      expect(cancelled).toBe(1);
    }
    expect(reject(new Response(null))).toThrow('a Response');
  });
});
