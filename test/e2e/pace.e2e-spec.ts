import { Controller, Get, Param } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { AsyncLocalStorage } from 'node:async_hooks';
import { connect, type Socket } from 'node:net';
import { Readable } from 'node:stream';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const TEXT = 'x'.repeat(4000);
/** More bytes than a socket takes at once. */
const TOTAL = 5_000;

let asked = 0;
let released = 0;
const storage = new AsyncLocalStorage<string>();

function* numbered() {
  try {
    for (let i = 0; i < TOTAL; i++) {
      asked = i + 1;
      yield { id: i, data: TEXT };
    }
  } finally {
    released++;
  }
}
async function* numberedAsync() {
  yield* numbered();
}

const SOURCES: Record<string, () => unknown> = {
  'a sync generator': () => numbered(),
  'an async generator': () => numberedAsync(),
  'a Readable': () => Readable.from(numbered()),
  'a web ReadableStream': () => webStream(numbered()),
  'a web ReadableStream of the byte kind': () => byteStream(numbered()),
};

/** The same as bytes, which have no IDs: the numbers are in the data. */
function byteStream(values: Generator<{ id: number; data: string }>): ReadableStream {
  return new ReadableStream({
    type: 'bytes',
    pull(controller) {
      const { done, value } = values.next();
      if (done === true) controller.close();
      else controller.enqueue(new TextEncoder().encode(`#${value.id} ${value.data}`));
    },
    cancel: () => void values.return(undefined),
  });
}

const webStream = (values: Iterable<unknown>): ReadableStream =>
  Readable.toWeb(Readable.from(values)) as ReadableStream;

@Controller()
class PaceController {
  @Sse('numbered/:name')
  numbered(@Param('name') name: string) {
    return SOURCES[name]?.();
  }

  @Sse('tight')
  async *tight() {
    try {
      for (;;) yield 'x';
    } finally {
      released++;
    }
  }

  @Sse('silent')
  async *silent() {
    try {
      for (;;) {
        asked++;
        yield undefined;
      }
    } finally {
      released++;
    }
  }

  @Sse('tight-sync')
  *tightSync() {
    try {
      for (;;) yield 'x';
    } finally {
      released++;
    }
  }

  @Sse('context')
  async *context() {
    for (let i = 0; i < TOTAL; i++) {
      const seen = storage.getStore();
      if (seen !== 'of the request') throw new Error(`context lost at ${i}: ${String(seen)}`);
      yield { id: i, data: TEXT };
    }
  }

  @Get('quick')
  quick() {
    return { ok: true };
  }
}

/** A client that sends a request and does not read. */
async function deafClient(app: INestApplication, path: string): Promise<Socket> {
  const { port } = new URL(await app.getUrl());
  const socket = connect(Number(port), '127.0.0.1');
  socket.pause();
  socket.write(`GET ${encodeURI(path)} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`);
  return socket;
}

/** Reads on, to the end. */
async function readOn(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.resume();
  await new Promise((resolve) => socket.once('end', resolve));
  return Buffer.concat(chunks).toString();
}

/** Resolves once `value` has stayed the same for some time. */
async function settled(value: () => number): Promise<number> {
  let last = -1;
  let since = 0;
  await until(() => {
    const now = value();
    since = now === last ? since + 1 : 0;
    last = now;
    return since >= 25 && now > 0;
  }, 'a figure that stays');
  return last;
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    beforeEach(async () => {
      asked = released = 0;
      app = await makeApp(adapter, {
        controllers: [PaceController],
        setUp: (made) => {
          setUp(made);
          made.use((_request: unknown, _response: unknown, next: () => void) =>
            storage.run('of the request', next),
          );
        },
      });
    });
    afterEach(closeApps);

    describe.each(Object.keys(SOURCES))('%s', (name) => {
      it('is not pulled further while the client does not read, and then gives every value exactly once', async () => {
        const socket = await deafClient(app, `/numbered/${name}`);
        const stoppedAt = await settled(() => asked);
        expect(stoppedAt).toBeLessThan(TOTAL / 2);
        const [connection] = app.get(SseConnections).list();
        expect(connection?.queuedBytes).toBeLessThan(200_000);
        const text = await readOn(socket);
        const ids = [...text.matchAll(/^(?:id: |data: #)(\d+)/gm)].map(([, id]) => Number(id));
        expect(ids).toEqual(Array.from({ length: TOTAL }, (_, i) => i));
        expect(released).toBe(1);
      });

      it('is released when a client that does not read leaves', async () => {
        const socket = await deafClient(app, `/numbered/${name}`);
        await settled(() => asked);
        socket.destroy();
        await until(() => released === 1, 'the release');
        await until(() => app.get(SseConnections).count() === 0, 'no connection');
      });
    });

    it.each(['/tight', '/tight-sync', '/silent'])(
      'a generator that never waits (%s) blocks no other work, and ends when its client leaves',
      async (path) => {
        const [first, second] = [await deafClient(app, path), await deafClient(app, path)];
        first.resume();
        second.resume();
        await until(() => app.get(SseConnections).count() === 2, 'two open streams');
        for (let i = 0; i < 20; i++) {
          const answer = await openStream(app, '/quick');
          expect(await answer.json()).toEqual({ ok: true });
        }
        first.destroy();
        await until(() => released === 1, 'the release of the first');
        second.destroy();
        await until(() => released === 2, 'the release of the second');
      },
    );

    it('values arrive one by one, also from a generator that never waits', async () => {
      const stream = await openStream(app, '/tight');
      for (const event of await stream.collect(2000)) expect(event.data).toBe('x');
      await stream.close();
    });

    it('the async context of the request is kept in the generator, also after backpressure', async () => {
      const socket = await deafClient(app, '/context');
      await settled(() => app.get(SseConnections).list()[0]?.bytes ?? 0);
      const text = await readOn(socket);
      expect(text).toContain(`id: ${TOTAL - 1}\n`);
      expect(text).not.toContain('event: error');
    });
  }),
);
