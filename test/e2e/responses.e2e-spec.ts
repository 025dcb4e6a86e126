import { Controller, Param, Res } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Upstream } from '../fixtures/upstream.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

const EVENT_STREAM = { 'Content-Type': 'text/event-stream' };
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A body that emits each part in its own turn, then ends, fails or stays open. */
function body(parts: (string | Uint8Array)[], then: 'end' | 'fail' | 'stay' = 'end'): ReadableStream {
  const encoder = new TextEncoder();
  const queue = [...parts];
  return new ReadableStream({
    async pull(controller) {
      await turn();
      const part = queue.shift();
      if (part !== undefined) controller.enqueue(typeof part === 'string' ? encoder.encode(part) : part);
      else if (then === 'end') controller.close();
      else if (then === 'fail') controller.error(new Error('the upstream broke'));
      else await new Promise(() => undefined);
    },
    cancel(reason) {
      cancelled.push(reason);
    },
  });
}
let cancelled: unknown[] = [];

/** Responses that the application makes. */
const MADE: Record<string, () => Response> = {
  events: () =>
    new Response(body(['data: a\n\n', 'id: 7\nevent: t\nretry: 5\ndata: b\n\n']), { headers: EVENT_STREAM }),
  crlf: () =>
    new Response(body(['data: a\r', '\n\r\nda', 'ta: b\r\r', 'unknown: x\n:c\ndata: €\n\n']), {
      headers: EVENT_STREAM,
    }),
  'bytes one by one': () =>
    new Response(
      body([...Buffer.from('\ufeffdata: €😀\n\n: c\n\ndata: b\n\n')].map((byte) => Buffer.from([byte]))),
      {
        headers: { 'content-type': 'Text/Event-Stream; charset=utf-8' },
      },
    ),
  'cut off': () => new Response(body(['data: a\n\ndata: b\n', 'id: 1\n']), { headers: EVENT_STREAM }),
  failing: () => new Response(body(['data: a\n\nda'], 'fail'), { headers: EVENT_STREAM }),
  'failing at once': () => new Response(body([], 'fail'), { headers: EVENT_STREAM }),
  staying: () => new Response(body(['data: a\n\nda'], 'stay'), { headers: EVENT_STREAM }),
  'with a status': () =>
    new Response(body(['data: a\n\n']), {
      status: 202,
      headers: [
        ['Content-Type', 'text/event-stream'],
        ['X-Own', 'x'],
        ['Content-Length', '9'],
        ['Content-Encoding', 'gzip'],
        ['Connection', 'close, X-Hop'],
        ['X-Hop', 'h'],
        ['Set-Cookie', 'a=1'],
        ['Set-Cookie', 'b=2'],
      ],
    }),
  json: () => Response.json({ not: 'a stream' }, { status: 201 }),
  text: () => new Response(body(['one, ', 'two'])),
  bytes: () => new Response(new Uint8Array([0, 255, 128]), { headers: { 'content-type': 'image/x-test' } }),
  empty: () => new Response(null, { headers: { 'X-Own': 'x' } }),
  204: () => new Response(null, { status: 204, headers: EVENT_STREAM }),
  304: () => new Response(null, { status: 304, headers: { ETag: '"v"' } }),
  redirect: () => Response.redirect('http://127.0.0.1/other', 307),
  'text that fails': () => new Response(body(['one'], 'fail')),
  'text that stays': () => new Response(body(['one'], 'stay')),
  'read already': () => {
    const response = new Response('x');
    void response.text();
    return response;
  },
  locked: () => {
    const response = new Response(body(['data: a\n\n']), { headers: EVENT_STREAM });
    response.body?.getReader();
    return response;
  },
  'Response.error()': () => Response.error(),
};

let upstream: Upstream;
let release: (() => void) | undefined;

@Controller()
class ResponsesController {
  @Sse('direct/:name')
  direct(@Param('name') name: string) {
    return MADE[name]?.();
  }
  @Sse('promised/:name')
  async promised(@Param('name') name: string) {
    await turn();
    return MADE[name]?.();
  }
  @Sse('cookies')
  cookies(@Res({ passthrough: true }) response: { header(name: string, value: string): unknown }) {
    response.header('Set-Cookie', 'own=1');
    return MADE['json']?.();
  }
  @Sse('fetched')
  fetched() {
    return fetch(upstream.url);
  }
  @Sse('beating', { heartbeat: { intervalMs: 1, event: 'beat', always: true } })
  beating() {
    return MADE['staying']?.();
  }
  @Sse('late')
  async late() {
    await new Promise<void>((resolve) => (release = resolve));
    return MADE['staying']?.();
  }
  @Sse('late-text')
  async lateText() {
    await new Promise<void>((resolve) => (release = resolve));
    return MADE['text that stays']?.();
  }
}

const ERROR_EVENT =
  'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let logger: RecordingLogger;
    let answer: (response: ServerResponse) => void;
    beforeAll(async () => {
      upstream = await Upstream.start((response) => answer(response));
    });
    beforeEach(async () => {
      cancelled = [];
      release = undefined;
      logger = new RecordingLogger();
      app = await makeApp(adapter, {
        controllers: [ResponsesController],
        logger,
        setUp,
        sse: { shutdownMs: 200 },
      });
    });
    afterEach(closeApps);
    afterAll(() => upstream.stop());

    describe.each(['direct', 'promised'])('an event stream (%s)', (way) => {
      const raw = async (name: string): Promise<string> => {
        const stream = await openStream(app, encodeURI(`/${way}/${name}`));
        expect(stream.status).toBe(200);
        expect(stream.headers['content-type']).toMatch(/^text\/event-stream/i);
        expect(await stream.end()).toBe('ended');
        return stream.raw();
      };

      it('passes through unchanged', async () => {
        expect(await raw('events')).toBe(':\ndata: a\n\nid: 7\nevent: t\nretry: 5\ndata: b\n\n');
        expect(logger.errors).toEqual([]);
      });

      it('keeps its line ends, unknown fields and characters, wherever its chunks are cut', async () => {
        expect(await raw('crlf')).toBe(':\ndata: a\r\n\r\ndata: b\r\runknown: x\n:c\ndata: €\n\n');
        expect(await raw('bytes one by one')).toBe(':\ndata: €😀\n\n: c\n\ndata: b\n\n');
      });

      it('ends without its last block if that is incomplete', async () => {
        expect(await raw('cut off')).toBe(':\ndata: a\n\n');
      });

      it('that fails ends with an error event, and one entry in the log', async () => {
        expect(await raw('failing')).toBe(`:\ndata: a\n\n${ERROR_EVENT}`);
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain('the upstream broke');
      });

      it('has its status and its headers, but not those of its connection and its encoding', async () => {
        const stream = await openStream(app, encodeURI(`/${way}/with a status`));
        expect(await stream.end()).toBe('ended');
        expect(stream.raw()).toBe(':\ndata: a\n\n');
        expect(stream.status).toBe(202);
        const { headers } = stream;
        expect(headers['x-own']).toBe('x');
        expect(headers['set-cookie']).toEqual(['a=1', 'b=2']);
        expect(headers['content-length'] ?? headers['content-encoding'] ?? headers['x-hop']).toBeUndefined();
      });
    });

    it('that fails before its first event is an ordinary error, without the head of the upstream', async () => {
      for (const way of ['direct', 'promised']) {
        const answered = await openStream(app, `/${way}/failing at once`.replaceAll(' ', '%20'));
        await answered.end();
        if (answered.status === 500) expect(answered.headers['content-type']).toMatch(/^application\/json/);
        else expect(answered.raw()).toBe(`:\n${ERROR_EVENT}`);
      }
      expect(logger.errors).toHaveLength(2);
    });

    it('a heartbeat never lands inside a block', async () => {
      const client = await RawClient.get(app, '/beating');
      await client.receives('event: beat');
      await client.receives('data: a\n\n');
      client.leave();
      const [, rest = ''] = client.body.split('data: a\n\n');
      expect(rest).not.toContain('da:');
      expect(client.body).not.toMatch(/\nda[^t]/);
      await until(() => cancelled.length > 0, 'the cancellation');
    });

    it('the upstream is canceled when the client leaves, also before the handler has its response', async () => {
      const client = await RawClient.get(app, '/direct/staying');
      await client.receives('data: a');
      client.leave();
      await until(() => cancelled.length === 1, 'the cancellation');
      for (const path of ['/late', '/late-text']) {
        release = undefined;
        const late = await RawClient.get(app, path);
        await until(() => release !== undefined, 'the handler');
        late.leave();
        await late.isClosed();
        await turn();
        const before = cancelled.length;
        await until(() => app.get(SseConnections).count() === 0, 'the end of the connection');
        (release as unknown as () => void)();
        await until(() => cancelled.length === before + 1, 'the cancellation');
      }
      expect(logger.errors).toEqual([]);
    });

    it.each(['staying', 'text that stays'])('a shutdown cancels what is sent (%s)', async (name) => {
      const client = await RawClient.get(app, encodeURI(`/direct/${name}`));
      await client.receives(name === 'staying' ? 'data: a' : 'one');
      await app.close();
      await client.isClosed();
      expect(cancelled).toHaveLength(1);
      expect(logger.errors).toEqual([]);
    });

    it('a fetched stream passes event by event, decompressed, and is canceled with the client', async () => {
      const first = 'data: a\n\n';
      answer = (response) => {
        response.writeHead(200, { ...EVENT_STREAM, 'x-up': 'y', 'content-encoding': 'gzip' });
        response.end(gzipSync(first));
      };
      const zipped = await openStream(app, '/fetched');
      expect(await zipped.end()).toBe('ended');
      expect(zipped.raw()).toBe(`:\n${first}`);
      expect([zipped.headers['x-up'], zipped.headers['content-encoding']]).toEqual(['y', undefined]);

      answer = (response) => {
        response.writeHead(200, EVENT_STREAM);
        response.write(first);
      };
      const client = await RawClient.get(app, '/fetched');
      await client.receives('data: a');
      upstream.response.write('data: b\n\n');
      await client.receives('data: b');
      client.leave();
      await upstream.isCancelled();

      const broken = await openStream(app, '/fetched');
      await broken.next();
      upstream.response.destroy();
      expect(await broken.end()).toBe('ended');
      expect(broken.raw()).toBe(`:\n${first}${ERROR_EVENT}`);
      expect(logger.errors).toHaveLength(1);
    });

    describe.each(['direct', 'promised'])('any other response (%s)', (way) => {
      it.each<[name: string, status: number, type: string | null, text: string]>([
        ['json', 201, 'application/json', '{"not":"a stream"}'],
        ['text', 200, null, 'one, two'],
        ['bytes', 200, 'image/x-test', '\0\ufffd\ufffd'],
        ['empty', 200, null, ''],
        ['204', 204, 'text/event-stream', ''],
        ['304', 304, null, ''],
        ['redirect', 307, null, ''],
      ])('%s is sent unchanged', async (name, status, type, text) => {
        const answered = await fetch(`${await app.getUrl()}/${way}/${name}`, { redirect: 'manual' });
        expect(answered.status).toBe(status);
        expect(answered.headers.get('content-type')).toBe(type);
        expect(await answered.text()).toBe(text);
        if (name === 'redirect') expect(answered.headers.get('location')).toBe('http://127.0.0.1/other');
        if (name === '304') expect(answered.headers.get('etag')).toBe('"v"');
        if (name === 'empty') expect(answered.headers.get('x-own')).toBe('x');
      });

      it('that fails is cut off, and logged once', async () => {
        const client = await RawClient.get(app, encodeURI(`/${way}/text that fails`));
        await client.isClosed();
        expect(client.received).toMatch(/^HTTP\/1.1 200/);
        expect(client.received).not.toContain('\r\n0\r\n\r\n');
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain('the upstream broke');
      });

      it('is canceled when the client leaves', async () => {
        const client = await RawClient.get(app, encodeURI(`/${way}/text that stays`));
        await client.receives('one');
        client.leave();
        await until(() => cancelled.length === 1, 'the cancellation');
        expect(logger.errors).toEqual([]);
      });

      it.each([
        ['read already', 'whose body was already read'],
        ['locked', 'whose body was already read'],
        ['Response.error()', 'with the status 0'],
      ])('%s is a 500 that the log explains', async (name, says) => {
        const answered = await openStream(app, encodeURI(`/${way}/${name}`));
        await answered.end();
        expect(answered.status).toBe(500);
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain(says);
      });
    });

    it('cookies that were set before are kept', async () => {
      MADE['json'] = () => {
        const response = Response.json({});
        response.headers.append('set-cookie', 'a=1');
        return response;
      };
      const answered = await fetch(`${await app.getUrl()}/cookies`);
      expect(answered.headers.getSetCookie()).toEqual(['own=1', 'a=1']);
      MADE['json'] = () => Response.json({ not: 'a stream' }, { status: 201 });
    });

    it('HEAD gets only the head, and no handler runs', async () => {
      const answered = await fetch(`${await app.getUrl()}/direct/staying`, { method: 'HEAD' });
      expect(answered.status).toBe(200);
      expect(cancelled).toEqual([]);
    });
  }),
);
