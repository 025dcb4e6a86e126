import { Controller, Get, Post, RequestMethod } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { jest } from '@jest/globals';
import { Agent, request, ServerResponse, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { NEVER } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

let ran: string[] = [];

@Controller()
class MethodsController {
  @Sse('short')
  async *short() {
    ran.push('short');
    yield 'a';
  }
  @Sse('several')
  *several() {
    yield 'a';
    yield { type: 'b', data: 1 };
  }
  @Sse('then-more')
  async *thenMore() {
    yield 'a';
    await new Promise((resolve) => setImmediate(resolve));
    yield 'b';
    yield 'c';
  }
  @Sse('endless')
  endless() {
    ran.push('endless');
    return NEVER;
  }
  @Sse('one', { limit: { key: 'route', max: 1 } })
  one() {
    ran.push('one');
    return NEVER;
  }
  @Sse('any', { method: RequestMethod.ALL })
  *any() {
    yield 'a';
  }
  @Sse('put', { method: RequestMethod.PUT })
  *put() {
    yield 'a';
  }
  @Get('json')
  json() {
    return { ok: true };
  }
  @Post('json')
  post() {
    return { ok: true };
  }
}

/** All bytes that are received after writing to a new connection, until it is closed. */
async function exchange(app: INestApplication, text: string): Promise<string> {
  const { port } = new URL(await app.getUrl());
  const socket = connect(Number(port), '127.0.0.1');
  socket.write(text.replaceAll('\n', '\r\n'));
  let received = '';
  for await (const chunk of socket as AsyncIterable<Buffer>) received += chunk.toString();
  return received;
}

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await makeApp(adapter, {
      controllers: [MethodsController],
      setUp: (made) => made.enableCors({ origin: 'https://page.example', credentials: true }),
    });
  });
  beforeEach(() => {
    ran = [];
  });
  afterAll(closeApps);

  describe('HEAD', () => {
    it('gets the head at once, and no handler runs', async () => {
      for (const path of ['/short', '/endless']) {
        const answer = await openStream(app, path, { method: 'HEAD' });
        expect(answer.status).toBe(200);
        expect(answer.headers['content-type']).toBe('text/event-stream');
        expect(answer.headers['cache-control']).toBe('no-cache, no-store, no-transform');
        expect(await answer.end()).toBe('ended');
        expect(answer.raw()).toBe('');
      }
      expect(ran).toEqual([]);
      await until(() => app.get(SseConnections).count() === 0);
    });

    it('takes no place under a limit, and is not rejected by one', async () => {
      // A request that holds a place would leave none for the next.
      const head = async (): Promise<number> => (await openStream(app, '/one', { method: 'HEAD' })).status;
      expect([await head(), await head()]).toEqual([200, 200]);
      const stream = await openStream(app, '/one');
      expect(stream.status).toBe(200);
      expect((await openStream(app, '/one')).status).toBe(429);
      expect(await head()).toBe(200);
      expect(ran).toEqual(['one']);
      await stream.close();
      await until(() => app.get(SseConnections).count() === 0);
    });

    it('leaves the connection to the next request', async () => {
      const received = await exchange(
        app,
        'HEAD /endless HTTP/1.1\nHost: x\n\nGET /json HTTP/1.1\nHost: x\nConnection: close\n\n',
      );
      expect(received.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
      expect(received.endsWith('{"ok":true}')).toBe(true);
    });
  });

  it('OPTIONS is answered by CORS', async () => {
    const answer = await openStream(app, '/short', {
      method: 'OPTIONS',
      headers: { origin: 'https://page.example', 'access-control-request-method': 'GET' },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers['access-control-allow-origin']).toBe('https://page.example');
    expect(answer.headers['access-control-allow-credentials']).toBe('true');
    await answer.end();
    expect(ran).toEqual([]);
  });

  it.each(['GET', 'POST', 'DELETE', 'PATCH', 'PUT'])(
    'a route for all methods streams with %s',
    async (method) => {
      const stream = await openStream(app, '/any', { method });
      expect(stream.status).toBe(200);
      await stream.end();
      expect(stream.raw()).toBe(':\ndata: a\n\n');
    },
  );

  it('a route of one method does not answer another', async () => {
    expect((await openStream(app, '/put', { method: 'PUT', body: 'x' })).status).not.toBe(404);
    expect((await openStream(app, '/put')).status).toBe(404);
    expect((await openStream(app, '/short', { method: 'POST' })).status).toBe(404);
  });

  describe('Accept', () => {
    it.each([
      'text/event-stream',
      'TEXT/Event-Stream',
      '*/*',
      'text/*',
      'application/json, text/event-stream',
      'text/html;q=0.9, */*;q=0.1',
      'text/event-stream;charset=utf-8',
      'text/event-stream; q=0.5',
      '*/*;q=0, text/event-stream',
      '',
      // The clients of OpenAI and Anthropic send this with `stream: true`.
      'application/json',
      'text/html, application/xhtml+xml',
      'text/event-stream;q=0',
      'text/event-stream;q=0, */*',
      'text/*;q=0.0, */*;q=1',
      'image/*',
      'not a media type',
    ])('"%s" gets the stream, whose values come in later turns', async (accept) => {
      const stream = await openStream(app, '/then-more', { headers: { accept } });
      expect([stream.status, stream.headers['content-type']]).toEqual([200, 'text/event-stream']);
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(':\ndata: a\n\ndata: b\n\ndata: c\n\n');
    });

    it('a request without the header gets the stream', async () => {
      const received = await exchange(app, 'GET /short HTTP/1.1\nHost: x\nConnection: close\n\n');
      expect(received).toContain('HTTP/1.1 200 OK\r\n');
    });
  });

  describe('the connection', () => {
    it('of HTTP/1.0 ends with the stream, which is not chunked', async () => {
      const received = await exchange(app, 'GET /short HTTP/1.0\n\n');
      expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(received).not.toMatch(/transfer-encoding/i);
      expect(received.endsWith('\r\n\r\n:\ndata: a\n\n')).toBe(true);
    });

    it('is closed if the client asks for it', async () => {
      const received = await exchange(app, 'GET /short HTTP/1.1\nHost: x\nConnection: close\n\n');
      expect(received).toMatch(/\r\nconnection: close\r\n/i);
      expect(received).toContain('data: a\n\n');
    });

    it('can be used again after a stream has ended', async () => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      const get = (path: string): Promise<{ response: IncomingMessage; port: number | undefined }> =>
        new Promise((resolve, reject) => {
          void app.getUrl().then((url) => {
            const sent = request(url + path, { agent }, (response) => {
              const port = response.socket.localPort;
              response.resume();
              response.on('end', () => resolve({ response, port }));
            });
            sent.on('error', reject);
            sent.end();
          });
        });
      const ports = new Set<number | undefined>();
      for (const path of ['/short', '/short', '/json', '/several', '/json']) {
        const { response, port } = await get(path);
        expect(response.statusCode).toBe(200);
        expect(response.headers.connection).toBe('keep-alive');
        ports.add(port);
      }
      expect(ports.size).toBe(1);
      agent.destroy();
    });

    it('with more waiting requests answers all in order', async () => {
      const received = await exchange(
        app,
        'GET /then-more HTTP/1.1\nHost: x\n\nGET /short HTTP/1.1\nHost: x\n\nGET /json HTTP/1.1\nHost: x\nConnection: close\n\n',
      );
      const order = ['data: a', 'data: b', 'data: c', 'data: a', '{"ok":true}'];
      let at = -1;
      for (const part of order) {
        at = received.indexOf(part, at + 1);
        expect(at).toBeGreaterThan(-1);
      }
      expect(received.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3);
    });
  });

  describe('writes', () => {
    /** The chunks that are passed to the response. */
    const written = async (path: string): Promise<string[]> => {
      const pieces: string[] = [];
      const prototype = ServerResponse.prototype;
      const write = jest.spyOn(prototype, 'write').mockImplementation(function (
        this: ServerResponse,
        ...args: Parameters<ServerResponse['write']>
      ) {
        pieces.push(String(args[0]));
        return original.apply(this, args);
      } as ServerResponse['write']);
      const stream = await openStream(app, path);
      await stream.end();
      write.mockRestore();
      return pieces;
    };
    const original = ServerResponse.prototype.write;

    it('the first comment and the first events are one', async () => {
      expect(await written('/short')).toEqual([':\ndata: a\n\n']);
      expect(await written('/several')).toEqual([':\ndata: a\n\nevent: b\ndata: 1\n\n']);
    });

    it('events of one turn are one', async () => {
      expect(await written('/then-more')).toEqual([':\ndata: a\n\n', 'data: b\n\ndata: c\n\n']);
    });

    it('the head and the first event come in one packet', async () => {
      const { port } = new URL(await app.getUrl());
      const socket = connect(Number(port), '127.0.0.1');
      socket.write('GET /then-more HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
      const first = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
      expect(first.toString()).toMatch(/^HTTP\/1\.1 200 OK\r\n[^]*\r\n\r\n[^]*data: a\n\n/);
      socket.destroy();
      await until(() => app.get(SseConnections).count() === 0);
    });
  });
});
