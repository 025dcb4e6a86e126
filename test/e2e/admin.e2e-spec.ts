import './demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import { eachAdapter, until } from './adapters.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const TOKEN = 'a token of the test';
const BEARER = { authorization: `Bearer ${TOKEN.replaceAll(' ', '-')}` };

eachAdapter((adapter) => {
  let app: INestApplication;
  const before = process.env['DEMO_ADMIN_TOKEN'];

  async function start(token: string | undefined): Promise<void> {
    if (token === undefined) delete process.env['DEMO_ADMIN_TOKEN'];
    else process.env['DEMO_ADMIN_TOKEN'] = token.replaceAll(' ', '-');
    app = await createDemo(adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
  }
  afterEach(async () => {
    closeStockClients();
    await app.close();
    if (before === undefined) delete process.env['DEMO_ADMIN_TOKEN'];
    else process.env['DEMO_ADMIN_TOKEN'] = before;
  });

  const send = (method: string, path: string, headers: Record<string, string>): Promise<TestStream> =>
    openStream(app, path, { method, headers: { accept: '*/*', ...headers } });
  const list = async (): Promise<Record<string, unknown>[]> =>
    (await send('GET', '/admin/connections', BEARER)).json();

  it('with the token in DEMO_ADMIN_TOKEN lists the open streams', async () => {
    await start(TOKEN);
    expect(await list()).toEqual([]);
    const stream = await openStream(app, '/channels/admin');
    expect(await list()).toEqual([
      {
        id: expect.stringMatching(/^\w+$/),
        route: 'GET /channels/:name',
        ip: '127.0.0.1',
        openedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        events: expect.any(Number),
        bytes: expect.any(Number),
        queued: 0,
      },
    ]);
    await stream.close();
  });

  it('ends a stream by its ID, and answers 404 for an ID that does not exist', async () => {
    await start(TOKEN);
    const stream = await openStream(app, '/channels/admin');
    const [{ id } = {}] = await list();
    expect((await send('DELETE', `/admin/connections/${String(id)}`, BEARER)).status).toBe(204);
    expect(await stream.end()).toBe('ended');
    const again = await send('DELETE', `/admin/connections/${String(id)}`, BEARER);
    expect(again.status).toBe(404);
    expect(await again.json()).toMatchObject({ message: `There is no open connection "${String(id)}".` });
  });

  it('ends only the named stream; an EventSource reconnects and misses nothing', async () => {
    await start(TOKEN);
    const url = await app.getUrl();
    const publish = async (body: object): Promise<void> => {
      const { status } = await fetch(`${url}/channels/admin`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      expect(status).toBe(201);
    };
    const ids = async (): Promise<unknown[]> => (await list()).map(({ id }) => id);
    const going = followWithStockClient(`${url}/channels/admin`);
    await until(() => app.get(SseConnections).count() === 1);
    const staying = followWithStockClient(`${url}/channels/admin`);
    await until(() => app.get(SseConnections).count() === 2);
    await publish({ retry: 10, data: 'before' });
    const data = (): string[][] => [going, staying].map(({ events }) => events.map((event) => event.data));
    await until(() => data().join() === 'before,before');
    const [named, other] = await ids();

    const answer = await fetch(`${url}/admin/connections/${String(named)}`, {
      method: 'DELETE',
      headers: BEARER,
    });
    expect([answer.status, await answer.text()]).toEqual([204, '']);
    await publish({ data: 'after' });
    await until(() => data().join('; ') === 'before,after; before,after');
    expect([going.statuses, staying.statuses]).toEqual([[undefined], []]);
    const now = await ids();
    expect(now).toContain(other);
    expect(now).not.toContain(named);
    expect(now).toHaveLength(2);
  });

  it.each<[string, Record<string, string>]>([
    ['no token', {}],
    ['another token', { authorization: 'Bearer guess' }],
    ['the token in another scheme', { authorization: `Basic ${TOKEN.replaceAll(' ', '-')}` }],
    ['an empty token', { authorization: 'Bearer ' }],
  ])('rejects a request with %s', async (_what, headers) => {
    await start(TOKEN);
    for (const [method, path] of [
      ['GET', '/admin/connections'],
      ['DELETE', '/admin/connections/1'],
    ] as const) {
      expect((await send(method, path, headers)).status).toBe(401);
    }
  });

  it.each([undefined, ''])('does not exist while DEMO_ADMIN_TOKEN is %p', async (token) => {
    await start(token);
    for (const [method, path] of [
      ['GET', '/admin/connections'],
      ['DELETE', '/admin/connections/1'],
    ] as const) {
      for (const headers of [{}, BEARER, { authorization: 'Bearer ' }]) {
        expect((await send(method, path, headers)).status).toBe(404);
      }
    }
  });
});
