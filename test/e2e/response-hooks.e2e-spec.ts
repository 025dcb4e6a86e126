import { Controller, Param } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import compressHook from '@fastify/compress';
import cookieHook from '@fastify/cookie';
import compression from 'compression';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

let push: ((text: string) => void) | undefined;
let cancelled = 0;

/** A body that is written by the test. */
function pushed(type: string): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(controller) {
      push = (text) => (text === '' ? controller.close() : controller.enqueue(encoder.encode(text)));
    },
    cancel: () => void cancelled++,
  });
  return new Response(body, { headers: { 'content-type': type, 'x-own': 'x' } });
}

@Controller()
class PushedController {
  @Sse('pushed/:type')
  async pushed(@Param('type') type: string) {
    await new Promise((resolve) => setImmediate(resolve));
    return pushed(`text/${type}`);
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let logger: RecordingLogger;
    beforeEach(async () => {
      push = undefined;
      cancelled = 0;
      logger = new RecordingLogger();
      app = await makeApp(adapter, {
        controllers: [PushedController],
        logger,
        forceCloseConnections: true,
        async setUp(made) {
          setUp(made);
          if (adapter === 'express') made.use(compression({ threshold: 0 }));
          else {
            const fastify = made as unknown as {
              register(plugin: unknown, options?: object): Promise<unknown>;
            };
            await fastify.register(cookieHook);
            await fastify.register(compressHook, { threshold: 0 });
          }
        },
      });
    });
    afterEach(closeApps);

    it.each(['plain', 'event-stream'])('%s passes compression and hooks chunk by chunk', async (type) => {
      const answer = await fetch(`${await app.getUrl()}/pushed/${type}`, {
        headers: { 'accept-encoding': 'gzip' },
      });
      expect(answer.headers.get('x-own')).toBe('x');
      const reader = (answer.body as ReadableStream<Uint8Array>).getReader();
      const decoder = new TextDecoder();
      let text = '';
      const reads = async (part: string): Promise<void> => {
        while (!text.endsWith(part)) {
          const { done, value } = await reader.read();
          if (done) throw new Error(`the body ended after ${JSON.stringify(text)}`);
          text += decoder.decode(value, { stream: true });
        }
      };
      for (const part of ['data: ä\n\n', 'data: b\n\n']) {
        push?.(part);
        await reads(part);
      }
      push?.('');
      expect((await reader.read()).done).toBe(true);
      expect(logger.errors).toEqual([]);
    });

    it.each(['plain', 'event-stream'])('%s is canceled when its client leaves', async (type) => {
      const controller = new AbortController();
      const answer = await fetch(`${await app.getUrl()}/pushed/${type}`, { signal: controller.signal });
      push?.('data: a\n\n');
      await answer.body?.getReader().read();
      controller.abort();
      await until(() => cancelled === 1 && app.get(SseConnections).count() === 0, 'the cancellation');
      expect(logger.errors).toEqual([]);
    });
  }),
);
