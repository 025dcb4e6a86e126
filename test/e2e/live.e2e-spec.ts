import './demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { openStream, type TestEvent } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import { eachAdapter } from './adapters.js';
import { ask } from './ask.js';
import { followWithStockClient } from './stock-client.js';

const isPulse = ({ type }: TestEvent) => type === 'pulse';
const numberOf = (event: TestEvent) => event.json<{ number: number }>().number;

describe('the live channel of the demo', () => {
  eachAdapter((adapter) => {
    let app: INestApplication;
    beforeEach(async () => {
      app = await createDemo(adapter, { logger: false });
      await app.listen(0, '127.0.0.1');
    });
    afterEach(() => app.close());

    it('begins with the node, and numbers its events without holes, also after a cut', async () => {
      const first = await openStream(app, '/live/stream?reader=a');
      expect((await first.next()).type).toBe('node');
      const seen = [await first.until(isPulse), await first.until(isPulse)];
      const cut = await ask(app, 'POST', '/live/readers/a/cut');
      expect(cut).toEqual({ status: 202, body: { reader: 'a' } });
      expect(await first.end()).toBe('cut off');
      // The client knows the events that are complete.
      const ids = [...first.raw().matchAll(/^id: (.*)$/gm)].map(([, id]) => id as string);
      const all = [...seen, ...(await first.rest()).filter(isPulse)];
      const again = await openStream(app, '/live/stream?reader=a', {
        headers: { 'last-event-id': ids.at(-1) ?? '' },
      });
      all.push(await again.until(isPulse));
      const numbers = all.map(numberOf).toSorted((a, b) => a - b);
      expect(numbers).toEqual(numbers.map((_, index) => (numbers[0] as number) + index));
      await again.close();
    });

    it('reports its connections, and brings a notice to every reader', async () => {
      const streams = [await openStream(app, '/live/stream'), await openStream(app, '/live/stream')];
      const [figures] = await Promise.all(streams.map((stream) => stream.next('server')));
      expect(figures?.json()).toEqual({
        node: expect.any(String) as string,
        open: expect.any(Number) as number,
        eventsPerSecond: expect.any(Number) as number,
        bytesQueued: expect.any(Number) as number,
      });
      expect((await ask(app, 'POST', '/live/notices', { text: 'Hello' })).status).toBe(201);
      for (const stream of streams) expect((await stream.next('notice')).json()).toEqual({ text: 'Hello' });
      expect((await ask(app, 'POST', '/live/notices', { text: ' ' })).status).toBe(400);
      await Promise.all(streams.map((stream) => stream.close()));
    });

    it('ends a stream of a reader in order, and answers 404 for a reader without a stream', async () => {
      const stream = await openStream(app, '/live/stream?reader=b');
      expect((await ask(app, 'POST', '/live/readers/b/close')).status).toBe(202);
      expect(await stream.end()).toBe('ended');
      expect((await ask(app, 'POST', '/live/readers/c/cut')).status).toBe(404);
    });

    it('admits two limited streams per page', async () => {
      const path = '/live/limited?reader=';
      const two = [await openStream(app, `${path}a`), await openStream(app, `${path}a`)];
      expect(two.map(({ status }) => status)).toEqual([200, 200]);
      const third = await openStream(app, `${path}a`);
      expect(third.status).toBe(429);
      expect(await third.json()).toMatchObject({ message: 'Too many open streams: the limit is 2.' });
      const other = await openStream(app, `${path}b`);
      expect(other.status).toBe(200);
      await Promise.all([...two, other].map((stream) => stream.close()));
    });

    it('stops a stock client at the end of the finite stream after two requests', async () => {
      const client = followWithStockClient(`${await app.getUrl()}/live/finite?reader=d`, ['step']);
      await client.closed();
      expect(client.statuses).toEqual([undefined, 204]);
      expect((await ask(app, 'GET', '/live/finite/requests/d')).body).toEqual({ requests: 2 });
    });

    it('sends large events to several readers', async () => {
      const [one, two] = [await openStream(app, '/live/load'), await openStream(app, '/live/load')];
      const isLoad = ({ type }: TestEvent) => type === 'load';
      const event = await one.until(isLoad);
      expect(event.data.length).toBeGreaterThan(131_072);
      expect(numberOf(await two.until(isLoad))).toBeGreaterThan(0);
      await Promise.all([one.close(), two.close()]);
    });
  });
});
