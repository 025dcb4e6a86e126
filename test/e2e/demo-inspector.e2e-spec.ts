import './demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import type { NodeReport } from '../../src/inspector/inspector.events.js';
import { eachAdapter } from './adapters.js';

/** A proxy in front of the demo: its requests come from this machine, too. */
const PROXIED = { 'x-forwarded-for': '192.0.2.7' };
const basic = (password: string) => ({
  authorization: `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`,
});

describe('the inspector of the demo', () => {
  eachAdapter((adapter) => {
    let app: INestApplication;
    const before = process.env['DEMO_ADMIN_TOKEN'];

    async function start(token?: string): Promise<void> {
      if (token === undefined) delete process.env['DEMO_ADMIN_TOKEN'];
      else process.env['DEMO_ADMIN_TOKEN'] = token;
      app = await createDemo(adapter, { logger: false });
      await app.listen(0, '127.0.0.1');
    }
    afterEach(async () => {
      await app.close();
      if (before === undefined) delete process.env['DEMO_ADMIN_TOKEN'];
      else process.env['DEMO_ADMIN_TOKEN'] = before;
    });

    const send = async (path: string, headers: Record<string, string> = {}, method = 'GET') =>
      fetch((await app.getUrl()) + path, { method, headers });
    async function reportOf(stream: TestStream, holds: (report: NodeReport) => boolean): Promise<NodeReport> {
      return (await stream.until(({ type, data }) => type === 'node' && holds(JSON.parse(data)))).json();
    }

    it('is linked from the page, and opens for a browser on the same machine', async () => {
      await start();
      expect(await (await send('/')).text()).toContain('href="/inspector"');
      const page = await send('/inspector');
      expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8']);
    });

    it('shows the streams of a page under its name, and ends all of them', async () => {
      await start();
      const streams = [
        await openStream(app, '/live/stream?reader=me'),
        await openStream(app, '/live/limited?reader=me'),
      ];
      const other = await openStream(app, '/live/stream?reader=you');
      const inspector = await openStream(app, '/inspector/events');
      const { connections, channels } = await reportOf(inspector, ({ totals }) => totals.connections === 4);
      expect(connections.map(({ route, user }) => `${route} ${user}`).toSorted()).toEqual([
        'GET /inspector/events null',
        'GET /live/limited page me',
        'GET /live/stream page me',
        'GET /live/stream page you',
      ]);
      expect(channels.map(({ name, subscribers }) => [name, subscribers])).toEqual([['live/page', 2]]);
      const answer = await send('/inspector/users?user=page%20me', {}, 'DELETE');
      expect(await answer.json()).toEqual({ closed: 2 });
      for (const stream of streams) expect(await stream.end()).toBe('ended');
      await reportOf(inspector, ({ totals }) => totals.connections === 2);
      await Promise.all([other, inspector].map((stream) => stream.close()));
    });

    it.each(['/inspector', '/inspector/inspector.js', '/inspector/events'])(
      'answers 403 to other machines at %s',
      async (path) => {
        await start();
        for (const headers of [PROXIED, { ...PROXIED, ...basic('') }]) {
          const answer = await send(path, headers);
          expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([403, null]);
          expect(await answer.json()).toMatchObject({ message: expect.stringContaining('DEMO_ADMIN_TOKEN') });
        }
      },
    );

    it('asks other machines for the token, if there is one', async () => {
      await start('a-token');
      expect((await send('/inspector')).status).toBe(200);
      expect((await send('/inspector', { ...PROXIED, ...basic('a-token') })).status).toBe(200);
      for (const headers of [PROXIED, { ...PROXIED, ...basic('guess') }, { ...PROXIED, ...basic('') }]) {
        const answer = await send('/inspector', headers);
        expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
          401,
          'Basic realm="Inspector"',
        ]);
      }
    });

    it('is not a part of the API document', async () => {
      await start();
      const { apiDocument } = await import('../../demo/api-document.js');
      expect(Object.keys(apiDocument(app).paths).filter((path) => path.includes('inspector'))).toEqual([]);
    });
  });
});
