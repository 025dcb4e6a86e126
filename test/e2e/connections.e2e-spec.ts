import { Controller, type INestApplication } from '@nestjs/common';
import { concat, NEVER, of } from 'rxjs';
import { isSseError, Sse, SseConnection, SseConnections } from 'nestjs-event-stream';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

let reasons: string[] = [];

function stay(connection: SseConnection) {
  const { signal } = connection;
  signal.addEventListener('abort', () => {
    if (isSseError(signal.reason)) reasons.push(signal.reason.code);
  });
  return concat(of('one', 'two'), NEVER);
}

@Controller('rooms')
class Rooms {
  @Sse(':room')
  room(@SseConnection() connection: SseConnection) {
    return stay(connection);
  }
  @Sse(':room/presence')
  presence(@SseConnection() connection: SseConnection) {
    return stay(connection);
  }
}

const userOf = ({ request }: SseConnection): string | undefined =>
  (request as { headers: Record<string, string | undefined> }).headers['x-user'];

eachAdapter((adapter) => {
  let app: INestApplication;
  let connections: SseConnections;
  const streams: TestStream[] = [];
  beforeEach(async () => {
    reasons = [];
    app = await makeApp(adapter, { controllers: [Rooms] });
    connections = app.get(SseConnections);
    for (const [path, user] of [
      ['/rooms/a', 'ada'],
      ['/rooms/b', 'ada'],
      ['/rooms/a/presence', 'bob'],
      ['/rooms/a', undefined],
    ] as const) {
      const stream = await openStream(app, path, {
        lastEventId: '7',
        headers: user === undefined ? {} : { 'x-user': user },
      });
      await stream.next();
      await stream.next();
      streams.push(stream);
    }
  });
  afterEach(async () => {
    for (const stream of streams.splice(0)) await stream.close();
    await closeApps();
  });

  it('are listed, oldest first, with all their properties', () => {
    const list = connections.list();
    expect(list.map(({ route }) => route)).toEqual([
      'GET /rooms/:room',
      'GET /rooms/:room',
      'GET /rooms/:room/presence',
      'GET /rooms/:room',
    ]);
    expect(new Set(list.map(({ id }) => id)).size).toBe(4);
    const [first] = list;
    expect(first).toMatchObject({ ip: '127.0.0.1', lastEventId: '7', events: 2, queuedBytes: 0, dropped: 0 });
    expect(first?.bytes).toBe(':\ndata: one\n\ndata: two\n\n'.length);
    expect(Date.now() - Number(first?.openedAt)).toBeLessThan(5000);
    expect(first && userOf(first)).toBe('ada');
  });

  it('are counted: all, some, and by key', () => {
    expect(connections.count()).toBe(4);
    expect(connections.count((connection) => userOf(connection) === 'ada')).toBe(2);
    expect(connections.countBy(userOf)).toEqual(
      new Map([
        ['ada', 2],
        ['bob', 1],
      ]),
    );
    expect(connections.countBy(({ route }) => route).get('GET /rooms/:room')).toBe(3);
    expect(connections.countBy(({ ip }) => ip)).toEqual(new Map([['127.0.0.1', 4]]));
  });

  it('a connection is closed by its ID, once', async () => {
    const [, second] = connections.list();
    expect(connections.close(second?.id ?? '')).toBe(true);
    expect(await streams[1]?.end()).toBe('ended');
    await until(() => connections.count() === 3);
    expect(connections.close(second?.id ?? '')).toBe(false);
    expect(connections.close('nobody')).toBe(false);
    expect(reasons).toEqual(['SSE_CLOSED']);
  });

  it('only the connections of a user who has logged out are closed', async () => {
    expect(connections.closeWhere((connection) => userOf(connection) === 'ada')).toBe(2);
    expect([await streams[0]?.end(), await streams[1]?.end()]).toEqual(['ended', 'ended']);
    await until(() => connections.count() === 2);
    expect(connections.closeWhere((connection) => userOf(connection) === 'ada')).toBe(0);
    expect(reasons).toEqual(['SSE_CLOSED', 'SSE_CLOSED']);
  });
});
