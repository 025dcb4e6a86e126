import { Controller, Get, Param, RequestMethod, StreamableFile } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Readable } from 'node:stream';
import { concat, EMPTY, from, interval, of, take, timer } from 'rxjs';
import { Channels, eventsOf, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

async function* asyncValues() {
  yield 'a';
  await new Promise((resolve) => setImmediate(resolve));
  yield 'b';
}
function* syncValues() {
  yield 'a';
  yield 'b';
}
const webStream = (values: Iterable<unknown>): ReadableStream =>
  Readable.toWeb(Readable.from(values)) as ReadableStream;
const euro = Buffer.from('€'); // three bytes
const encoder = new TextEncoder();
let folder: string;

/** Results of which a client sees the events "a" and "b". */
const STREAMS: Record<string, () => unknown> = {
  'an async generator': () => asyncValues(),
  'a sync generator': () => syncValues(),
  'an array': () => ['a', 'b'],
  'a set': () => new Set(['a', 'b']),
  "a map's values": () =>
    new Map([
      [1, 'a'],
      [2, 'b'],
    ]).values(),
  'an array of promises': () => [Promise.resolve('a'), 'b'],
  'an object with [Symbol.asyncIterator]': () => ({ [Symbol.asyncIterator]: () => asyncValues() }),
  'an object with [Symbol.iterator]': () => ({ [Symbol.iterator]: () => syncValues() }),
  'an async iterator without return()': () => {
    const values = ['a', 'b'];
    return {
      [Symbol.asyncIterator]: () => ({
        next: () => Promise.resolve({ done: values.length === 0, value: values.shift() }),
      }),
    };
  },
  'a Readable in object mode': () => Readable.from(['a', 'b']),
  'a Readable of bytes': () => {
    const stream = new PassThrough();
    stream.write('a');
    setImmediate(() => stream.end('b'));
    return stream;
  },
  'a Readable with an encoding': () => {
    const stream = new PassThrough({ encoding: 'utf8' });
    stream.write('a');
    setImmediate(() => stream.end('b'));
    return stream;
  },
  'a web ReadableStream': () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue('a');
        controller.enqueue('b');
        controller.close();
      },
    }),
  'a web ReadableStream of bytes': () =>
    new ReadableStream({
      start(controller) {
        controller.enqueue(encoder.encode('a'));
        controller.enqueue(encoder.encode('b'));
        controller.close();
      },
    }),
  'a web ReadableStream of the byte kind': () =>
    new ReadableStream({
      type: 'bytes',
      start(controller) {
        controller.enqueue(encoder.encode('a'));
        controller.enqueue(encoder.encode('b'));
        controller.close();
      },
    }),
  'a web ReadableStream that counts bytes': () =>
    new ReadableStream(
      {
        start(controller) {
          controller.enqueue(encoder.encode('a'));
          controller.enqueue(encoder.encode('b'));
          controller.close();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 16_384 }),
    ),
  'a web ReadableStream, transformed': () =>
    new Blob(['A', 'B'])
      .stream()
      .pipeThrough(new TextDecoderStream())
      .pipeThrough(
        new TransformStream<string, string>({
          transform(text, controller) {
            for (const letter of text.toLowerCase()) controller.enqueue(letter);
          },
        }),
      ),
  'an Observable': () => of('a', 'b'),
  'a web Response': () =>
    new Response('data: a\n\ndata: b\n\n', { headers: { 'content-type': 'text/event-stream' } }),
  'the events of a web Response': () =>
    eventsOf(new Response('data: a\n\ndata: b\n\n', { headers: { 'content-type': 'text/event-stream' } })),
  'an Observable that takes its time': () => concat(of('a'), timer(1).pipe(take(1)), of('b')),
  'an Observable of an async generator': () => from(asyncValues()),
};

const other: Record<string, () => unknown> = {
  nothing: () => [],
  'an empty Observable': () => EMPTY,
  'a euro in three chunks': () => Readable.from([euro.subarray(0, 1), euro.subarray(1, 2), euro.subarray(2)]),
  'a euro cut off': () => Readable.from([Buffer.from('a'), euro.subarray(0, 2)]),
  'a euro in three web chunks': () => webStream([euro.subarray(0, 1), euro.subarray(1, 2), euro.subarray(2)]),
  'lines of a file': () => createReadStream(join(folder, 'lines.txt')),
  'the body of an event stream': () =>
    webStream([Buffer.from(':\n'), Buffer.from('id: 7\nda'), Buffer.from('ta: a\n\n')]),
  'the body of an event stream, at once': () => Readable.from([Buffer.from('event: t\r\ndata: a\r\n\r\n')]),
  'the body of an event stream, as text': () => webStream(['data: a\n\n']),
  'text that is like an event stream': () => webStream([Buffer.from('id: 7\ndata: a\nname: b\n\n')]),
  'a locked web stream': () => {
    const stream = webStream(['a']);
    stream.getReader();
    return stream;
  },
  'an iterable that throws': () => ({
    [Symbol.asyncIterator]: () => {
      throw new Error('no iterator');
    },
  }),
  objects: () => Readable.from([{ pct: 1 }, { data: 'message', type: 't' }]),
};

/** Plain values, which get the same answer as with Nest's own decorators. */
const PLAIN: Record<string, () => unknown> = {
  'an object': () => ({ data: 'x' }),
  'a number': () => 7,
  'a boolean': () => true,
  undefined: () => undefined,
  null: () => null,
  'a Buffer': () => Buffer.from('ab'),
  'a StreamableFile': () => new StreamableFile(Buffer.from('file'), { type: 'text/x-test' }),
};

/** Results that look like a stream but cannot be streamed, and the error message. */
const ACCIDENTS: Record<string, [result: () => unknown, says: string]> = {
  'a string': [() => 'hello', 'returned the string "hello". Yield the string to send it as an event'],
  'a String object': [() => new String('hello'), 'returned the string "hello". Yield the string'],
  'a generator that was not called': [() => asyncValues, 'returned function asyncValues. Call the function'],
  'a bare iterator': [
    () => ({ next: () => ({ done: true, value: undefined }) }),
    'which has next() but cannot be iterated. Give it a [Symbol.asyncIterator]()',
  ],
  'a channel that was not subscribed to': [
    () => new Channels().channel('a'),
    'returned an instance of Channel, which has subscribe() but is not an Observable. If it is a channel, return the result of its subscribe()',
  ],
};

const channels = new Channels();
/** A subscription to a channel on which "a" and "b" are published, and that ends then. */
const subscription = () =>
  channels.channel('ab').subscribe({ from: 'oldest', until: ({ data }) => data === 'b' });
const withoutIds = (text: string): string => text.replace(/^id: .*\n/gm, '');

@Controller()
class SourcesController {
  @Sse('streams/:name')
  streams(@Param('name') name: string) {
    return (STREAMS[name] ?? other[name])?.();
  }
  @Sse('promises/:name')
  async promises(@Param('name') name: string) {
    await new Promise((resolve) => setImmediate(resolve));
    return STREAMS[name]?.();
  }
  @Sse('plain/:name')
  plain(@Param('name') name: string) {
    return PLAIN[name]?.();
  }
  @Get('ordinary/:name')
  ordinary(@Param('name') name: string) {
    return PLAIN[name]?.();
  }
  @Sse('plain-promises/:name', { method: RequestMethod.POST })
  async plainPromises(@Param('name') name: string) {
    return PLAIN[name]?.();
  }
  @Sse('accidents/:name')
  accidents(@Param('name') name: string) {
    return ACCIDENTS[name]?.[0]();
  }
  @Sse('channel')
  channel() {
    return subscription();
  }
  @Sse('promised-channel')
  async promisedChannel() {
    await new Promise((resolve) => setImmediate(resolve));
    return subscription();
  }
  @Sse('thenable')
  thenable() {
    return { then: (resolve: (value: unknown) => void) => resolve(syncValues()) };
  }
  @Sse('broken-file')
  brokenFile() {
    return createReadStream(join(folder, 'missing.txt'));
  }
  @Sse('never-ending')
  neverEnding() {
    return interval(1);
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const logger = new RecordingLogger();
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'sources-'));
      await channels.channel('ab').publish('a');
      await channels.channel('ab').publish('b');
      await writeFile(join(folder, 'lines.txt'), '\ufeffone\ntwo\r\nthree');
      app = await makeApp(adapter, { controllers: [SourcesController], logger, setUp });
    });
    afterAll(async () => {
      await closeApps();
      await rm(folder, { recursive: true });
    });
    const body = async (path: string): Promise<string> => {
      const stream = await openStream(app, encodeURI(path));
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toBe('text/event-stream');
      expect(await stream.end()).toBe('ended');
      return stream.raw();
    };

    describe.each(Object.keys(STREAMS))('%s', (name) => {
      const bytes = name.includes('takes its time')
        ? ':\ndata: a\n\ndata: 0\n\ndata: b\n\n'
        : ':\ndata: a\n\ndata: b\n\n';
      it('is streamed', async () => {
        expect(await body(`/streams/${name}`)).toBe(bytes);
      });
      it('is streamed if it is a promise', async () => {
        expect(await body(`/promises/${name}`)).toBe(bytes);
      });
    });

    it.each(['/channel', '/promised-channel'])('a channel subscription is streamed (%s)', async (path) => {
      expect(withoutIds(await body(path))).toBe(':\ndata: a\n\ndata: b\n\n');
    });

    it.each(['the body of an event stream, at once', 'the body of an event stream, as text'])(
      '%s is a 500, and the log says how to pass it on',
      async (name) => {
        logger.errors.length = 0;
        const answer = await openStream(app, encodeURI(`/streams/${name}`));
        expect(answer.status).toBe(500);
        await answer.end();
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain('is already an event stream');
        expect(logger.errors[0]).toContain('eventsOf(response)');
      },
    );

    it('the body of an event stream is recognized after its first comment, too', async () => {
      logger.errors.length = 0;
      expect(await body('/streams/the body of an event stream')).toContain('event: error\n');
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toContain('is already an event stream');
    });

    it('text with lines of another format is text', async () => {
      const text = ':\ndata: id: 7\ndata: data: a\ndata: name: b\ndata: \ndata: \n\n';
      expect(await body('/streams/text that is like an event stream')).toBe(text);
    });

    it('a thenable is awaited once', async () => {
      expect(await body('/thenable')).toBe(':\ndata: a\n\ndata: b\n\n');
    });

    it('a source without values is an empty stream', async () => {
      expect(await body('/streams/nothing')).toBe(':\n');
      expect(await body('/streams/an empty Observable')).toBe(':\n');
    });

    it('bytes become text, also if a character is split or cut off', async () => {
      expect(await body('/streams/a euro in three chunks')).toBe(':\ndata: €\n\n');
      expect(await body('/streams/a euro in three web chunks')).toBe(':\ndata: €\n\n');
      expect(await body('/streams/a euro cut off')).toBe(':\ndata: a\n\ndata: \ufffd\n\n');
    });

    it('a file is streamed chunk by chunk, its byte order mark kept', async () => {
      expect(await body('/streams/lines of a file')).toBe(':\ndata: \ufeffone\ndata: two\ndata: three\n\n');
    });

    it('objects of a Readable follow the rules of values', async () => {
      expect(await body('/streams/objects')).toBe(':\ndata: {"pct":1}\n\nevent: t\ndata: message\n\n');
    });

    describe.each(Object.keys(PLAIN))('%s', (name) => {
      it.each(['plain', 'plain-promises'])("is the route's ordinary answer (%s)", async (route) => {
        const method = route === 'plain' ? 'GET' : 'POST';
        const ordinary = await openStream(app, encodeURI(`/ordinary/${name}`));
        const answer = await openStream(app, encodeURI(`/${route}/${name}`), { method });
        await Promise.all([ordinary.end(), answer.end()]);
        expect(answer.status).toBe(200);
        expect(answer.raw()).toBe(ordinary.raw());
        expect(Object.keys(answer.headers)).toEqual(Object.keys(ordinary.headers));
        expect(answer.headers['content-type']).toBe(ordinary.headers['content-type']);
      });
    });

    it('an ordinary answer needs no Accept of text/event-stream', async () => {
      const answer = await openStream(app, '/plain/an object', { headers: { accept: 'application/json' } });
      expect(answer.status).toBe(200);
      expect(await answer.json()).toEqual({ data: 'x' });
    });

    describe.each(Object.entries(ACCIDENTS))('%s', (name, [, says]) => {
      it('is a 500 with a log entry that says what to return instead', async () => {
        logger.errors.length = 0;
        const answer = await openStream(app, encodeURI(`/accidents/${name}`));
        expect(answer.status).toBe(500);
        await answer.end();
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain(says);
      });
    });

    it.each(['a locked web stream', 'an iterable that throws'])('%s is a 500', async (name) => {
      logger.errors.length = 0;
      const answer = await openStream(app, encodeURI(`/streams/${name}`));
      expect(answer.status).toBe(500);
      await answer.end();
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toMatch(/locked|no iterator/);
    });

    it('a file that cannot be opened is a 500, and an entry in the log', async () => {
      logger.errors.length = 0;
      const answer = await openStream(app, '/broken-file');
      expect(answer.status).toBe(500);
      await answer.end();
      expect(logger.errors[0]).toContain('ENOENT');
    });

    it('a file that was opened is closed, also for a client that did not ask for an event stream', async () => {
      const file = createReadStream(join(folder, 'lines.txt'));
      STREAMS['open file'] = () => file;
      const answer = await openStream(app, '/streams/open file', { headers: { accept: 'text/html' } });
      expect(answer.status).toBe(200);
      expect(await answer.end()).toBe('ended');
      if (!file.closed) await once(file, 'close');
      expect(file.destroyed).toBe(true);
      delete STREAMS['open file'];
    });
  }),
);
