import type { INestApplication } from '@nestjs/common';
import {
  Channels,
  Runs,
  SseConnections,
  type SlotStore,
  type SlotUse,
  type SseModuleOptions,
} from 'nestjs-event-stream';
import { SseInspectorModule, type SseInspectorOptions } from 'nestjs-event-stream/inspector';
import { openStream } from 'nestjs-event-stream/testing';
import { inspectorEvents, type NodeReport } from '../../src/inspector/inspector.events.js';
import { ADMIN, AdminGuard, INSPECTOR, Rooms } from '../fixtures/inspected.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

const HOSTILE = `</script><script>alert(1)</script>"'&é`;

/** Grants each slot, and cannot say so at first. */
class FailingSlots implements SlotStore {
  failures = 0;

  acquire() {
    return { slot: { release: () => undefined } };
  }

  use(): SlotUse[] {
    if (this.failures === 0) return [];
    this.failures--;
    throw new Error('no connection');
  }
}

describe('SseInspectorModule.forRoot()', () => {
  const refusal = (options: object): string => {
    try {
      SseInspectorModule.forRoot(options as SseInspectorOptions);
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };

  it.each([[{}], [{ guards: [] }], [{ path: 'x' }]])('refuses to start without a guard: %j', (options) => {
    expect(refusal(options)).toMatch(/has no guard.*Pass "guards".*\{ withoutGuard: true \}/);
  });

  it('starts without a guard with an option that says so', () => {
    expect(refusal({ withoutGuard: true })).toBe('');
  });

  it('rejects a contradiction and a mistake', () => {
    expect(refusal({ guards: [AdminGuard], withoutGuard: true })).toMatch('Remove one of the two');
    expect(refusal({ guards: ['admin'] })).toMatch('a list of guards');
    expect(refusal({ guards: [AdminGuard], gaurds: [] })).toMatch('Unknown option "gaurds"');
  });
});

eachAdapter((adapter) => {
  let app: INestApplication;
  let url: string;

  async function start(
    options: Partial<SseInspectorOptions> = {},
    prefix = '',
    sse?: SseModuleOptions,
  ): Promise<void> {
    app = await makeApp(adapter, {
      imports: [SseInspectorModule.forRoot({ ...INSPECTOR, ...options })],
      controllers: [Rooms],
      ...(sse && { sse }),
      setUp: (made) => void (prefix && made.setGlobalPrefix(prefix)),
    });
    url = `${await app.getUrl()}${prefix && `/${prefix}`}`;
  }
  afterEach(closeApps);

  /** Follows the stream of the page until a report of the node is as expected. */
  async function report(holds: (report: NodeReport) => boolean): Promise<NodeReport> {
    const stream = await openStream(url, '/admin/streams/events', {
      headers: ADMIN,
      events: inspectorEvents,
      timeoutMs: 15_000,
    });
    try {
      for (;;) {
        const { data } = await stream.next('node');
        if (holds(data)) return data;
      }
    } finally {
      await stream.close();
    }
  }
  const remove = (path: string): Promise<Response> =>
    fetch(`${url}/admin/streams/${path}`, { method: 'DELETE', headers: ADMIN });
  const enter = (room: string, user = 'ann') =>
    openStream(url, `/rooms/${encodeURIComponent(room)}`, {
      headers: { Cookie: `user=${encodeURIComponent(user)}` },
    });
  const rooms = ({ connections }: NodeReport) => connections.filter(({ route }) => route.includes('rooms'));

  it.each(['', 'inspector.js', 'inspector.css', 'inspector.svg', 'events'])(
    'refuses /%s without the guard',
    async (path) => {
      await start();
      const page = `${url}/admin/streams${path && `/${path}`}`;
      expect((await fetch(page)).status).toBe(403);
      const allowed = await fetch(page, { headers: ADMIN });
      expect(allowed.status).toBe(200);
      await allowed.body?.cancel();
    },
  );

  it.each(['connections?node=a&id=1', 'users?user=ann', 'runs?id=1'])(
    'refuses DELETE /%s without the guard',
    async (path) => {
      await start();
      const client = await enter('blue');
      expect((await fetch(`${url}/admin/streams/${path}`, { method: 'DELETE' })).status).toBe(403);
      expect(app.get(SseConnections).count()).toBe(1);
      await client.close();
    },
  );

  it('serves a page that needs only its own files, also behind a prefix', async () => {
    await start({}, 'api/v1');
    // Fastify does not serve the path with a slash, unless it is asked to.
    for (const slash of adapter === 'express' ? ['', '/'] : ['']) {
      const page = `${url}/admin/streams${slash}`;
      const response = await fetch(page, { headers: ADMIN });
      expect(response.headers.get('content-type')).toBe('text/html; charset=utf-8');
      expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'self'/);
      const html = await response.text();
      const links = [...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(
        ([, link = '']) => new URL(link, page).href,
      );
      expect(links).toHaveLength(3);
      for (const link of links) expect((await fetch(link, { headers: ADMIN })).status).toBe(200);
      expect(html).not.toMatch(/<script(?! type="module" src=)|<style|\son\w+=/);
    }
  });

  it('keeps a hostile query string out of the page', async () => {
    await start();
    const response = await fetch(`${url}/admin/streams?"><script>alert(1)</script>`, { headers: ADMIN });
    expect(await response.text()).not.toContain('alert');
  });

  it('reports connections, channels, limits and totals', async () => {
    await start();
    const clients = [await enter('blue'), await enter('blue', 'bob'), await enter(HOSTILE, HOSTILE)];
    await until(() => app.get(Channels).list().length === 2);
    let published = 0;
    const timer = setInterval(() => {
      published += 1;
      void app.get(Channels).channel<string>('room:blue').publish('news');
    }, 20);
    const seen = await report(
      (each) =>
        rooms(each).some(({ events }) => events > 3) &&
        each.channels.some((channel) => channel.published > 0) &&
        // The log is asked what it keeps only every five seconds.
        each.channels.some(({ kept }) => (kept?.events ?? 0) > 3),
    );
    clearInterval(timer);
    expect(published).toBeGreaterThan(0);
    expect(rooms(seen)).toEqual([
      expect.objectContaining({ route: 'GET /rooms/:room', key: 'room=blue', user: 'ann' }),
      expect.objectContaining({ key: 'room=blue', user: 'bob' }),
      // JSON carries it as it is. The page makes only text of it.
      expect.objectContaining({ key: `room=${HOSTILE}`, user: HOSTILE, events: 0 }),
    ]);
    const blue = seen.channels.find(({ name }) => name === 'room:blue');
    expect(blue).toMatchObject({ subscribers: 2, more: false });
    expect(blue?.kept?.events).toBeGreaterThan(3);
    expect(seen.limits).toEqual([expect.objectContaining({ taken: 3, max: 40, shared: false })]);
    expect(seen.totals.connections).toBe(4);
    expect(seen.log).toEqual({ kind: 'memory', status: 'up', error: null });
    for (const client of clients) await client.close();
  });

  it('closes one connection, and all of a user', async () => {
    await start();
    const [first, second, third, other] = [
      await enter('a'),
      await enter('b'),
      await enter('c', HOSTILE),
      await enter('d', 'bob'),
    ];
    const { node, connections } = await report((each) => rooms(each).length === 4);
    const id = connections.find(({ key }) => key === 'room=a')?.id ?? '';
    expect((await remove(`connections?${new URLSearchParams({ node, id })}`)).status).toBe(200);
    await first?.end();
    expect((await remove(`connections?${new URLSearchParams({ node, id })}`)).status).toBe(404);
    expect(await (await remove(`users?${new URLSearchParams({ user: HOSTILE })}`)).json()).toEqual({
      closed: 1,
    });
    await third?.end();
    expect(await (await remove('users?user=ann')).json()).toEqual({ closed: 1 });
    await second?.end();
    expect(app.get(SseConnections).count()).toBe(1);
    await other?.close();
    expect((await remove('users')).status).toBe(400);
    expect((await remove('connections?id=1&id=2')).status).toBe(400);
  });

  it('reports runs, and stops one', async () => {
    await start();
    const runs = app.get(Runs);
    const run = await runs.start('export:7', async function* (signal) {
      yield 'begun';
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const seen = await report((each) => each.runs.length === 1);
    expect(seen.runs).toEqual([expect.objectContaining({ id: 'export:7', status: 'running', viewers: 0 })]);
    expect(await (await remove('runs?id=export:7')).json()).toEqual({ stopped: true });
    expect(await run.status()).toBe('stopped');
    expect((await remove('runs?id=nothing')).status).toBe(404);
  });

  it('ends what it names, and nothing else, if names are long', async () => {
    await start();
    const long = 'x'.repeat(300);
    const [first, second] = [await enter('a', `${long}1`), await enter('b', `${long}2`)];
    const id = 'r'.repeat(200);
    const run = await app.get(Runs).start(id, async function* (signal) {
      yield 'begun';
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const seen = await report((each) => rooms(each).length === 2 && each.runs.length === 1);
    const user = seen.connections.find(({ key }) => key === 'room=a')?.user ?? '';
    expect(await (await remove(`users?${new URLSearchParams({ user })}`)).json()).toEqual({ closed: 1 });
    await first?.end();
    expect(app.get(SseConnections).list()).toHaveLength(1);
    await second?.close();
    expect((await remove(`runs?id=${seen.runs[0]?.id}`)).status).toBe(200);
    expect(await run.status()).toBe('stopped');
  });

  it.each([
    ['that JSON or a URL cannot express', 'a\ud800'],
    ['whose shortest form would end in half a character', `${'x'.repeat(102)}${'\u{1f600}'.repeat(40)}`],
    ['that looks like a shortened one', `${'x'.repeat(103)}…${'h'.repeat(16)}`],
    ['of control characters', '\u0000\n\u202e'],
  ])('ends the connections of a user with a name %s, and of nobody else', async (_, name) => {
    const twin = Buffer.from(name).toString();
    const names = [name, ...(twin === name ? [`${name}2`] : [twin])];
    await start({ user: ({ headers }: { headers: { cookie?: string } }) => names[Number(headers.cookie)] });
    const clients = [];
    for (const i of names.keys())
      clients.push(await openStream(url, `/rooms/${i}`, { headers: { Cookie: `${i}` } }));
    const seen = await report((each) => rooms(each).length === 2);
    const user = rooms(seen).find(({ key }) => key === 'room=0')?.user ?? '';
    // As the page sends it.
    expect(await (await remove(`users?${new URLSearchParams({ user })}`)).json()).toEqual({ closed: 1 });
    await clients[0]?.end();
    expect(app.get(SseConnections).count()).toBe(1);
    await clients[1]?.close();
  });

  it.each([
    ['null', () => null],
    ['an empty text', () => ''],
    ['a promise that rejects', () => Promise.reject(new Error('no session'))],
    ['a promise', async () => 'ann'],
  ])('shows no user if the function that names users returns %s', async (_, user) => {
    await start({ user: user as never });
    const clients = [await enter('a'), await enter('b')];
    const seen = await report((each) => rooms(each).length === 2);
    expect(rooms(seen).map((each) => each.user)).toEqual([null, null]);
    for (const all of ['null', '[object Promise]'])
      expect(await (await remove(`users?user=${all}`)).json()).toEqual({ closed: 0 });
    for (const client of clients) await client.close();
  });

  it('shows no key if the function that names connections returns a promise', async () => {
    await start({ key: (() => Promise.reject(new Error('no key'))) as never });
    const client = await enter('a');
    const seen = await report((each) => rooms(each).length === 1);
    expect(rooms(seen)[0]?.key).toBe('');
    await client.close();
  });

  it('goes on reporting after a slot store has thrown', async () => {
    const slots = Object.assign(new FailingSlots(), { failures: 3 });
    await start({}, '', { slots });
    const client = await enter('a');
    await report((each) => rooms(each).length === 1);
    expect(slots.failures).toBe(0);
    await client.close();
  });

  it('reports the ends of the last hour, without having been looked at', async () => {
    await start();
    const client = await enter('a');
    app.get(SseConnections).closeWhere(() => true);
    await client.end();
    await (await enter('b')).close();
    await until(() => app.get(SseConnections).count() === 0);
    const { closes } = await report(() => true);
    const totals = closes.map(({ code, perMinute }) => [
      code,
      perMinute.reduce((sum, value) => sum + value, 0),
    ]);
    expect(Object.fromEntries(totals)).toEqual({ SSE_CLOSED: 1, SSE_CLIENT_GONE: 1 });
    expect(closes[0]?.reason).toBe('The connection was closed by the application.');
  });

  it('does not fail if the function that names users throws', async () => {
    await start({
      user: () => {
        throw new Error('no session');
      },
    });
    const client = await enter('a');
    const seen = await report((each) => rooms(each).length === 1);
    expect(rooms(seen)[0]?.user).toBeNull();
    await client.close();
  });

  it('does nothing while nobody looks', async () => {
    await start();
    const client = await enter('a');
    const inspection = (app.get(SseInspectorModule, { strict: false }) as unknown as { inspection: object })
      .inspection;
    expect(inspection).toMatchObject({ timer: undefined });
    await report((each) => rooms(each).length === 1);
    // The timer of the last report finds nobody, and is the last one.
    await until(() => (inspection as { timer: unknown }).timer === undefined);
    expect(inspection).toMatchObject({ viewers: new Set() });
    await client.close();
  });
});
