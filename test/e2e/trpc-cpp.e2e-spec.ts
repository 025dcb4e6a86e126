import { openStream } from 'nestjs-event-stream/testing';
import { TrpcCppModule } from '../../demo/trpc-cpp/trpc-cpp.module.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const EVENTS = Array.from(
  { length: 10 },
  (_, i) => `event: message\nid: ${i}\ndata: {"msg": "hello", "idx": ${i}}\n\n`,
);

describe('tRPC-Cpp', () => {
  eachAdapter((adapter) => {
    const demo = () => makeApp(adapter, { imports: [TrpcCppModule] });
    afterEach(closeStockClients);
    afterEach(closeApps);

    it('answers with the head that its client expects', async () => {
      const stream = await openStream(await demo(), '/sse/test');
      expect(stream.status).toBe(200);
      expect(stream.headers).toMatchObject({
        'content-type': 'text/event-stream',
        'cache-control': expect.stringMatching(/^no-cache\b/),
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'Cache-Control',
      });
      await stream.end();
    });

    it('sends ten events, byte for byte, and ends', async () => {
      const stream = await openStream(await demo(), '/sse/test');
      expect(await stream.end()).toBe('ended');
      expect(stream.raw()).toBe(`:\n${EVENTS.join('')}`);
    });

    it('gives a stock EventSource ten events, and 204 when it reconnects', async () => {
      const app = await demo();
      const client = followWithStockClient(`${await app.getUrl()}/sse/test`);
      await client.closed();
      expect(client.events).toEqual(
        Array.from({ length: 10 }, (_, i) => ({
          type: 'message',
          id: String(i),
          data: `{"msg": "hello", "idx": ${i}}`,
        })),
      );
      expect(client.statuses).toEqual([undefined, 204]);
    }, 10_000);

    it('answers HEAD with the head alone', async () => {
      const stream = await openStream(await demo(), '/sse/test', { method: 'HEAD' });
      expect(await stream.end()).toBe('ended');
      expect(stream.status).toBe(200);
      expect(stream.headers['content-type']).toBe('text/event-stream');
      expect(stream.raw()).toBe('');
    });
  });
});
