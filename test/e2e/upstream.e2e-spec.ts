import { Controller } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { event, eventsOf, Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Upstream } from '../fixtures/upstream.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

let upstream: Upstream;

@Controller()
class ProxyController {
  @Sse('changed')
  async *changed(@SseSignal() signal: AbortSignal) {
    yield event({ type: 'start', data: '' });
    for await (const one of eventsOf(await fetch(upstream.url, { signal }))) {
      if (one.data === '[DONE]') return;
      yield one.type === 'progress' ? event({ ...one, data: { of: one.data } }) : one;
    }
  }
  @Sse('returned')
  async returned() {
    return eventsOf(await fetch(upstream.url));
  }
  @Sse('whole')
  whole() {
    return fetch(upstream.url);
  }
  @Sse('download')
  async download() {
    return fetch(upstream.url);
  }
}

/** Lets an upstream write `piece` until it must wait, and continue whenever it may; returns how much it wrote. */
function flood(response: ServerResponse, piece: string): () => number {
  let bytes = 0;
  const write = (): void => {
    while (!response.destroyed && response.write(piece)) bytes += piece.length;
  };
  response.on('drain', write);
  write();
  return () => bytes;
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let logger: RecordingLogger;
    let answer: (response: ServerResponse) => void;
    beforeAll(async () => {
      upstream = await Upstream.start((response) => answer(response));
    });
    beforeEach(async () => {
      answer = (response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.flushHeaders();
      };
      logger = new RecordingLogger();
      app = await makeApp(adapter, {
        controllers: [ProxyController],
        logger,
        setUp,
        sse: { shutdownMs: 200 },
      });
    });
    afterEach(closeApps);
    afterAll(() => upstream.stop());

    it('events of an upstream are kept, changed and added, one by one', async () => {
      const client = await RawClient.get(app, '/changed');
      await client.receives('event: start');
      await until(() => upstream.requests.at(-1)?.response.headersSent === true, 'the request');
      const { response } = upstream;
      response.write('id: 1\nevent: progress\ndata: 1\n\n');
      await client.receives('event: progress\nid: 1\ndata: {"of":"1"}\n\n');
      response.write('retry: 5\n\nid: 2\ndata: ä\n\n');
      await client.receives('retry: 5\n\nid: 2\ndata: ä\n\n');
      response.write('data: [DONE]\n\n');
      await client.receives('\r\n0\r\n\r\n');
      await upstream.isCancelled();
      expect(client.received).not.toContain('DONE');
      expect(logger.errors).toEqual([]);
    });

    it.each(['/changed', '/returned', '/whole'])(
      'a client that leaves while no data arrives ends the upstream (%s)',
      async (path) => {
        const client = await RawClient.get(app, path);
        await client.receives(':\n');
        await until(() => upstream.requests.at(-1)?.response.headersSent === true, 'the request');
        client.leave();
        await upstream.isCancelled();
        expect(logger.errors).toEqual([]);
      },
    );

    it('an error response is thrown, and logged once', async () => {
      answer = (response) => response.writeHead(503).end('secret');
      const answered = await openStream(app, '/returned');
      await answered.end();
      expect(answered.status).toBe(500);
      expect(answered.raw()).not.toContain('503');
      expect(logger.errors).toHaveLength(1);
      expect(logger.errors[0]).toContain('answered 503. Check `response.ok`');
    });

    it.each([
      ['/whole', 'text/event-stream', `data: ${'x'.repeat(1000)}\n\n`],
      ['/returned', 'text/event-stream', `data: ${'x'.repeat(1000)}\n\n`],
      ['/download', 'text/plain', 'y'.repeat(1000)],
    ])('a client that does not read keeps the upstream waiting (%s)', async (path, type, piece) => {
      let written = (): number => 0;
      answer = (response) => {
        response.writeHead(200, { 'content-type': type });
        written = flood(response, piece);
      };
      const client = await RawClient.get(app, path);
      await client.receives(piece);
      client.stall();
      let before = -1;
      await until(() => {
        const still = written() === before;
        before = written();
        return still && upstream.response.writableNeedDrain;
      }, 'the upstream to wait');
      const stalled = written();
      expect(app.get(SseConnections).count()).toBe(1);
      client.resume();
      await until(() => written() > stalled, 'the upstream to go on');
      client.leave();
      await upstream.isCancelled();
      expect(logger.errors).toEqual([]);
    });
  }),
);
