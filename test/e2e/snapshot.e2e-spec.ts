import { Controller, NotFoundException, Param } from '@nestjs/common';
import { Channels, LastEventId, Runs, Sse, event, latest, memoryLog } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';
import { openStream } from 'nestjs-event-stream/testing';

const table = latest<{ cell: number; value: string }>({ key: ({ data }) => data.cell });

@Controller()
class Tables {
  constructor(
    private readonly channels: Channels,
    private readonly runs: Runs,
  ) {}

  @Sse('games/:id')
  game(@Param('id') id: string, @LastEventId() after?: string) {
    return this.channels.channel('game').subscribe({
      after,
      snapshot: ({ reason }) => {
        if (id === 'none') throw new NotFoundException(`There is no game ${id}.`);
        return [event({ type: 'state', data: { reason } }), { cells: 9 }];
      },
    });
  }

  @Sse('table')
  table(@LastEventId() after?: string) {
    return this.channels.channel('table', { fold: table }).subscribe({ after });
  }

  @Sse('runs/:id')
  run(@Param('id') id: string) {
    return this.runs.attach(id, { none: 204 });
  }
}

const log = () => memoryLog({ maxEvents: 2 });

eachAdapter((adapter) => {
  afterEach(closeApps);

  it('sends the snapshot, whose last event has the id, then what follows; and instead of a gap', async () => {
    const app = await makeApp(adapter, { controllers: [Tables], sse: { log: log() } });
    const channel = app.get(Channels).channel('game');
    const before = await channel.publish({ n: 0 });
    const stream = await openStream(app, '/games/1');
    const [state, cells] = await stream.collect(2);
    expect([state, cells].map((each) => [each?.type, each?.id, each?.data])).toEqual([
      ['state', undefined, '{"reason":"start"}'],
      ['message', before, '{"cells":9}'],
    ]);
    await channel.publish([{ n: 1 }, { n: 2 }]);
    expect((await stream.collect(2)).map(({ data }) => data)).toEqual(['{"n":1}', '{"n":2}']);
    await channel.publish([{ n: 3 }, { n: 4 }]);
    await stream.close();
    const id = await channel.publish({ n: 5 });
    const late = await openStream(app, '/games/1', { headers: { 'Last-Event-ID': before } });
    expect((await late.collect(2)).map((each) => [each.type, each.id, each.data])).toEqual([
      ['state', undefined, '{"reason":"gap"}'],
      ['message', id, '{"cells":9}'],
    ]);
    await late.close();
  });

  it('answers an error of the snapshot as an HTTP error', async () => {
    const app = await makeApp(adapter, { controllers: [Tables] });
    const answer = await openStream(app, '/games/none');
    expect([answer.status, await answer.json()]).toEqual([
      404,
      { statusCode: 404, message: 'There is no game none.', error: 'Not Found' },
    ]);
  });

  it('sends a fold, and exactly these bytes', async () => {
    const app = await makeApp(adapter, { controllers: [Tables], sse: { log: log() } });
    const channel = app.get(Channels).channel('table', { fold: table });
    let last = '';
    for (const [cell, value] of ['a', 'b', 'c', 'd'].entries())
      last = await channel.publish({ cell: cell % 3, value });
    // HTTP/1.0 has no chunks around the bytes.
    const client = await RawClient.connect(app, 'GET /table HTTP/1.0\r\n\r\n');
    await until(() => client.received.includes(last));
    const more = await channel.publish({ cell: 1, value: 'e' });
    await until(() => client.received.includes(more));
    expect(client.received.split('\r\n\r\n').slice(1).join()).toBe(
      [
        ':\n',
        'data: {"cell":1,"value":"b"}\n\n',
        'data: {"cell":2,"value":"c"}\n\n',
        `id: ${last}\ndata: {"cell":0,"value":"d"}\n\n`,
        `id: ${more}\ndata: {"cell":1,"value":"e"}\n\n`,
      ].join(''),
    );
    client.socket.destroy();
  });

  it('answers 204 without a run that is running', async () => {
    const app = await makeApp(adapter, { controllers: [Tables] });
    const answer = await openStream(app, '/runs/unknown');
    expect(answer.status).toBe(204);
  });
});
