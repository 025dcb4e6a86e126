import { Controller, Param } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { createReadStream } from 'node:fs';
import { Readable } from 'node:stream';
import { BehaviorSubject, delayWhen, finalize, map, of, timer } from 'rxjs';
import { event, raw, retryAfter, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

const circular: { self?: unknown } = {};
circular.self = circular;
async function* values() {
  yield 1;
}
const SPREAD =
  'To send its values one by one, use "yield*" in place of "yield" in a generator, and switchMap() or mergeMap() in place of map()';
const any = (value: unknown): never => value as never;

/** Values that are not valid events, and the part of the message that explains why. */
const REFUSED: Record<string, [make: () => unknown, says: string]> = {
  'LF in a type': [() => event({ type: 'a\nid: 1', data: '' }), '"type" cannot be "a\\nid: 1"'],
  'CR in a type': [() => event({ type: 'a\r', data: '' }), '"type" cannot be "a\\r"'],
  'a type that is no string': [() => event({ type: any(7), data: '' }), '"type" cannot be 7'],
  'a type without data': [() => event({ type: 'ping' }), 'type "ping" has no data'],
  'two types': [() => event({ type: 'a', event: 'b', data: 1 }), '"type" is "a" and "event" is "b"'],
  'LF in an id': [() => event({ id: '1\n2', data: '' }), '"id" cannot be "1\\n2"'],
  'NUL in an id': [() => event({ id: '1\0', data: '' }), '"id" cannot be "1\\u0000"'],
  'a space before an id': [() => event({ id: ' 1', data: '' }), '"id" cannot be " 1"'],
  'a space after an id': [() => event({ id: '1 ', data: '' }), '"id" cannot be "1 "'],
  'an id beyond ASCII': [() => event({ id: 'é', data: '' }), '"id" cannot be "é"'],
  'an id that is no whole number': [() => event({ id: 1.5, data: '' }), '"id" cannot be 1.5'],
  'an id that is an object': [() => event({ id: any({}), data: '' }), '"id" cannot be {}'],
  'a negative retry': [() => retryAfter(-1), '"retry" cannot be -1'],
  'a retry that is no whole number': [() => retryAfter(0.5), '"retry" cannot be 0.5'],
  'a retry that is text': [() => event({ retry: any('10') }), '"retry" cannot be "10"'],
  'an endless retry': [() => retryAfter(Infinity), '"retry" cannot be Infinity'],
  'a comment that is no string': [() => event({ comment: any(1) }), '"comment" cannot be 1'],
  'an unknown field': [() => event(any({ name: 'x' })), 'no field "name"'],
  'a MessageEvent with LF in its type': [() => ({ type: 'a\nb', data: 1 }), '"type" cannot be "a\\nb"'],
  'a MessageEvent with a bad id': [() => ({ id: 'a\nb', data: 1 }), '"id" cannot be "a\\nb"'],
  'a MessageEvent with a bad retry': [() => ({ retry: -2 }), '"retry" cannot be -2'],
  'a MessageEvent with a type and no data': [() => ({ type: 'x', comment: 'c' }), 'type "x" has no data'],
  'raw() that is cut off': [() => raw('data: x\n'), 'does not end with a blank line'],
  'raw() without an end of line': [() => raw('data: x'), 'does not end with a line break'],
  'raw() with an unknown field': [() => raw('foo: x\n\n'), 'unknown field "foo"'],
  'raw() with a BOM': [() => raw('\ufeffdata: x\n\n'), 'byte order mark'],
  'raw() with NUL in its id': [() => raw('id: \0\n\n'), 'NUL'],
  'raw() with a bad retry': [() => raw('retry: soon\n\n'), '"soon", which is not digits'],
  'raw() of nothing': [() => raw(''), 'is empty'],
  'raw() of bytes': [() => raw(any(Buffer.from('data: x\n\n'))), 'is not a string'],
  'a BigInt': [() => 1n, '1n cannot be written as JSON'],
  'a circle': [() => circular, 'cannot be written as JSON (Converting circular structure'],
  'a symbol': [() => Symbol('s'), 'Symbol(s) cannot be written as JSON'],
  'a function': [() => any(function named() {}), 'function named cannot be written as JSON'],
  'a BigInt in event()': [() => event({ data: { n: 1n } }), 'cannot be written as JSON'],
  'a function in a MessageEvent': [() => ({ data: () => 1 }), 'cannot be written as JSON'],
  'an Observable': [() => of(1), `cannot be an Observable. ${SPREAD}`],
  'a subject': [() => new BehaviorSubject(1), 'cannot be an Observable'],
  'an Observable in event()': [() => event({ data: of(1) }), 'cannot be an Observable'],
  'an async generator': [() => values(), `cannot be an async iterator. ${SPREAD}`],
  'a generator in a MessageEvent': [() => ({ data: [1].values() }), `cannot be an iterator. ${SPREAD}`],
  'an async iterable': [() => ({ [Symbol.asyncIterator]: values }), 'cannot be an async iterable'],
  'a ReadableStream': [() => new ReadableStream(), 'cannot be a ReadableStream'],
  'a Readable': [() => Readable.from(['a']), 'cannot be a Node stream'],
  'a file that does not exist': [() => createReadStream('/does/not/exist'), 'cannot be a Node stream'],
  'a Response': [() => new Response('x'), 'cannot be a Response. Return it from the handler'],
  'a Uint8Array': [() => new Uint8Array([195, 164]), 'cannot be bytes (Uint8Array). Make text of them'],
  'a Buffer': [() => Buffer.from('ä'), 'cannot be bytes (Uint8Array)'],
  'a Float64Array in event()': [() => event({ data: new Float64Array(2) }), 'cannot be bytes (Float64Array)'],
  'an ArrayBuffer': [() => new ArrayBuffer(2), 'cannot be bytes (ArrayBuffer)'],
  'a DataView': [() => new DataView(new ArrayBuffer(2)), 'cannot be bytes (DataView)'],
  'a Blob': [() => new Blob(['x']), 'cannot be bytes (Blob)'],
  'a promise in event()': [() => event({ data: Promise.resolve(1) }), 'an instance of Promise'],
  'a promise in a MessageEvent': [() => ({ data: Promise.reject(new Error('x')) }), 'Await it'],
};

const ERROR_EVENT =
  'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';

let released: string[] = [];

@Controller()
class IllegalController {
  @Sse('first/:name')
  async *first(@Param('name') name: string) {
    try {
      yield REFUSED[name]?.[0]();
      yield 'never';
    } finally {
      released.push(name);
    }
  }

  @Sse('nested/:name')
  nested(@Param('name') name: string) {
    return of('before', 'nested').pipe(
      delayWhen((value) => timer(value === 'nested' ? 2 : 0)),
      map((value) => (value === 'nested' ? REFUSED[name]?.[0]() : value)),
      finalize(() => released.push(name)),
    );
  }

  @Sse('second/:name')
  async *second(@Param('name') name: string) {
    try {
      yield 'before';
      yield REFUSED[name]?.[0]();
      yield 'never';
    } finally {
      released.push(name);
    }
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let logger: RecordingLogger;
    beforeAll(async () => {
      logger = new RecordingLogger();
      app = await makeApp(adapter, { controllers: [IllegalController], logger, setUp });
    });
    beforeEach(() => {
      logger.errors.length = 0;
      released = [];
    });
    afterAll(closeApps);

    describe.each(Object.entries(REFUSED))('%s', (name, [, says]) => {
      it('as the first value: a 500, and a log entry that says what and where', async () => {
        const answer = await openStream(app, `/first/${encodeURIComponent(name)}`);
        expect(answer.status).toBe(500);
        expect(await answer.json()).toEqual({ statusCode: 500, message: 'Internal server error' });
        expect(answer.headers['content-type']).toMatch(/^application\/json/);
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain(says);
        expect(logger.errors[0]).toContain('SseError');
        expect(released).toEqual([name]);
      });

      it('later: an error event and the end, and the same in the log', async () => {
        const stream = await openStream(app, `/second/${encodeURIComponent(name)}`);
        expect(await stream.end()).toBe('ended');
        expect(stream.raw()).toBe(`:\ndata: before\n\n${ERROR_EVENT}`);
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain(says);
        expect(logger.errors[0]).toContain('IllegalController.second');
        expect(released).toEqual([name]);
      });

      it('of an Observable: the same', async () => {
        const stream = await openStream(app, `/nested/${encodeURIComponent(name)}`);
        expect(await stream.end()).toBe('ended');
        expect(stream.raw()).toBe(`:\ndata: before\n\n${ERROR_EVENT}`);
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain(says);
        expect(released).toEqual([name]);
      });
    });
  }),
);
