import { Controller, Param } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { event, raw, retryAfter, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

const circular: { self?: unknown } = {};
circular.self = circular;
const any = (value: unknown): never => value as never;

/** What cannot be an event, what the error says of it, for a reader of the log. */
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
    });
  }),
);
