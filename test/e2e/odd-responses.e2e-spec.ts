import { Controller, type INestApplication } from '@nestjs/common';
import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { NEVER, concatMap, delay, finalize, from, of } from 'rxjs';
import { Channels, Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

/** More bytes than a response takes before it asks to wait. */
const LARGE = 'x'.repeat(100_000);
const VALUES = ['a', LARGE, 'b', LARGE, 'c'];
const BODY = `:\n${VALUES.map((value) => `data: ${value}\n\n`).join('')}`;

/** Replaces long runs of one letter by their length, to make a failure readable. */
const short = (text: string): string => text.replaceAll(/x{9,}/g, (run) => `<${run.length}>`);

const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));
let released = 0;

@Controller()
class Streams {
  constructor(private readonly channels: Channels) {}

  @Sse('generator')
  async *generator() {
    try {
      for (const value of VALUES) {
        yield value;
        await later();
      }
    } finally {
      released++;
    }
  }
  @Sse('observable')
  observable() {
    return from(VALUES).pipe(
      concatMap((value) => of(value).pipe(delay(5))),
      finalize(() => released++),
    );
  }
  @Sse('burst')
  async burst() {
    return from(VALUES).pipe(finalize(() => released++));
  }
  @Sse('channel')
  channel() {
    released++;
    return this.channels.channel('news').subscribe();
  }
  @Sse('open')
  open() {
    return NEVER.pipe(finalize(() => released++));
  }
  @Sse('deaf')
  async *deaf(@SseSignal() _signal: AbortSignal) {
    yield 'a';
    await new Promise(() => undefined);
  }
}

/** Removes an event from all listeners of a response. */
function without(response: ServerResponse, ...events: string[]): void {
  const { emit } = response;
  response.emit = function (event: string | symbol, ...args: unknown[]): boolean {
    return !events.includes(String(event)) && Reflect.apply(emit, response, [event, ...args]);
  };
}

/** Drops the result of a wrapped `write()`, or returns something else. */
function returning(response: ServerResponse, result: unknown): void {
  const { write } = response;
  response.write = ((...args: unknown[]) => {
    Reflect.apply(write, response, args);
    return result;
  }) as typeof write;
}

/** Changes of responses by middleware, by name. */
const ODDITIES: Record<string, (response: ServerResponse) => void> = {
  'write() returns nothing': (response) => returning(response, undefined),
  'write() takes one argument and returns nothing': (response) => {
    const { write } = response;
    response.write = ((chunk: unknown) => void Reflect.apply(write, response, [chunk])) as never;
  },
  'write() returns null, and drain never fires': (response) => {
    returning(response, null);
    without(response, 'drain');
  },
  'write() always returns false, and drain never fires': (response) => {
    returning(response, false);
    without(response, 'drain');
  },
  'drain never fires': (response) => without(response, 'drain'),
  'close never fires': (response) => without(response, 'close'),
  'neither drain nor close nor finish fires, and write() is wrapped': (response) => {
    returning(response, undefined);
    without(response, 'drain', 'close', 'finish');
  },
};

/** A response as serverless adapters make it: an object with a few methods replaces the socket. */
class GatheredResponse extends ServerResponse {
  gathered = '';

  constructor(request: IncomingMessage) {
    super(request);
    const write = (data: Buffer | string, encoding?: unknown, done?: () => void): void => {
      this.gathered += data.toString();
      const callback = typeof encoding === 'function' ? (encoding as () => void) : done;
      callback?.();
    };
    const nothing = (): void => undefined;
    this.assignSocket({
      _writableState: {},
      writable: true,
      write,
      on: nothing,
      removeListener: nothing,
      destroy: nothing,
      cork: nothing,
      uncork: nothing,
    } as unknown as Socket);
    this.useChunkedEncodingByDefault = false;
  }
}

eachAdapter((adapter) => {
  eachWay((setUp) => {
    const logger = new RecordingLogger();
    let app: INestApplication;
    let spoil: (response: ServerResponse) => void;
    beforeEach(async () => {
      [released, spoil] = [0, () => undefined];
      logger.errors.length = logger.warnings.length = 0;
      app = await makeApp(adapter, {
        controllers: [Streams],
        sse: { shutdownMs: 100, teardownWarnMs: false },
        logger,
        setUp: (made) => {
          setUp(made);
          made.use((_request: object, response: ServerResponse, next: () => void) => {
            spoil(response);
            next();
          });
        },
      });
    });
    afterEach(closeApps);

    const count = (): number => app.get(SseConnections).count();

    describe.each(Object.entries(ODDITIES))('a response whose %s', (_oddity, oddity) => {
      it.each(['generator', 'observable', 'burst'])('is delivered and released (%s)', async (path) => {
        spoil = oddity;
        const stream = await openStream(app, `/${path}`);
        expect(await stream.end()).toBe('ended');
        expect(short(stream.raw())).toBe(short(BODY));
        await until(() => count() === 0 && released === 1, 'the release');
        expect([logger.errors, logger.warnings]).toEqual([[], []]);
      });

      it('delivers the events of a channel, and is closed', async () => {
        spoil = oddity;
        const stream = await openStream(app, '/channel');
        await stream.rawUntil((body) => body === ':\n');
        for (const value of VALUES) {
          await app.get(Channels).channel('news').publish(value);
          await stream.rawUntil((body) => body.endsWith(`data: ${value}\n\n`));
        }
        app.get(SseConnections).list()[0]?.close();
        expect(await stream.end()).toBe('ended');
        await until(() => count() === 0, 'no connection');
      });

      it('does not delay the shutdown of the application', async () => {
        spoil = oddity;
        const streams = [await openStream(app, '/open'), await openStream(app, '/deaf')];
        await app.close();
        expect(count()).toBe(0);
        for (const stream of streams) await stream.end();
        expect(released).toBe(1);
      });
    });

    describe('a response without a socket', () => {
      const ask = (path: string): GatheredResponse => {
        const request = new IncomingMessage(new Socket());
        Object.assign(request, { url: `/${path}`, method: 'GET', headers: { host: 'x' }, complete: true });
        request.push(null);
        const response = new GatheredResponse(request);
        app.getHttpServer().emit('request', request, response);
        return response;
      };

      it.each(['generator', 'observable', 'burst'])('is delivered and released (%s)', async (path) => {
        const response = ask(path);
        await until(() => response.writableEnded, 'the end');
        await until(() => count() === 0 && released === 1, 'the release');
        const [head = '', body = ''] = response.gathered.split(/\r\n\r\n(.*)/s);
        expect(head).toMatch(/^content-type: text\/event-stream$/im);
        expect(short(body)).toBe(short(BODY));
        expect([logger.errors, logger.warnings]).toEqual([[], []]);
      });

      it('does not delay the shutdown of the application', async () => {
        const responses = [ask('open'), ask('deaf')];
        await until(() => responses.every(({ headersSent }) => headersSent), 'both heads');
        expect(count()).toBe(2);
        await app.close();
        expect(count()).toBe(0);
        expect(released).toBe(1);
      });
    });
  });
});
