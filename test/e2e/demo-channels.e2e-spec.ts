import './demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { Channels, Runs, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { createDemo } from '../../demo/create-app.js';
import { eachAdapter, until } from './adapters.js';
import { ask } from './ask.js';
import { ownRuns } from '../fixtures/own-runs.js';

interface Published {
  ids: string[];
}
interface Refused {
  statusCode: number;
  message: string;
}

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i);
const long = 'x'.repeat(4096);

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await createDemo(adapter, { logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterEach(async () => {
    await until(() => app.get(SseConnections).count() === 0);
  });
  afterAll(() => app.close());

  const publish = (name: string, body: unknown) =>
    ask<Published & Refused>(app, 'POST', `/channels/${name}`, JSON.stringify(body));
  const post = (path: string, body?: unknown) =>
    ask<Refused>(app, 'POST', path, body === undefined ? undefined : JSON.stringify(body));

  describe('the channels of the demo', () => {
    it('deliver payloads and events to each subscriber, and answer with the IDs', async () => {
      const streams = [await openStream(app, '/channels/news'), await openStream(app, '/channels/news')];
      const one = await publish('news', { n: 1 });
      expect(one).toEqual({ status: 201, body: { ids: [expect.any(String)] } });
      const more = await publish('news', [
        { type: 'score', data: { home: 2 } },
        { data: 'text\nof two lines' },
        { data: 'x', extra: 1 },
        'string',
        null,
        [1],
      ]);
      const ids = [...one.body.ids, ...more.body.ids];
      for (const stream of streams) {
        const events = await stream.collect(7);
        expect(events.map(({ type, id, data }) => [type, id, data])).toEqual([
          ['message', ids[0], '{"n":1}'],
          ['score', ids[1], '{"home":2}'],
          ['message', ids[2], 'text\nof two lines'],
          ['message', ids[3], '{"data":"x","extra":1}'],
          ['message', ids[4], 'string'],
          ['message', ids[5], 'null'],
          ['message', ids[6], '[1]'],
        ]);
        await stream.close();
      }
      expect((await publish('news', [])).body).toEqual({ ids: [] });
    });

    it('resume after an ID, from the header or the query, and report a gap', async () => {
      const { ids } = (await publish('resume', ['a', 'b', 'c'])).body;
      for (const stream of [
        await openStream(app, '/channels/resume', { lastEventId: ids[0] as string }),
        await openStream(app, `/channels/resume?lastEventId=${ids[0]}`),
      ]) {
        expect((await stream.collect(2)).map(({ data }) => data)).toEqual(['b', 'c']);
        await stream.close();
      }
      const forged = await openStream(app, '/channels/resume', { lastEventId: 'forged' });
      expect((await forged.next()).json()).toEqual({ requested: 'forged', oldest: ids[0] });
      await forged.close();
      const other = await openStream(app, '/channels/other', { lastEventId: ids[0] as string });
      expect([other.status, await other.json()]).toEqual([
        400,
        {
          statusCode: 400,
          error: 'Bad Request',
          message: 'The Last-Event-ID does not belong to this stream.',
        },
      ]);
    });

    it.each([
      ['has control characters', 'a%00b'],
      ['is too long', long],
      ['begin with "run:"', 'run:x'],
      ['"run-events:"', 'run-events:x:y'],
      ['"board-game/"', 'board-game%2Fg'],
      ['"prcore/"', 'prcore%2Fproject%2F1'],
      ['"rat-engine/"', 'rat-engine%2Fupload%2Fs1'],
    ])('reject a name: %s', async (said, name) => {
      const answers = [await publish(name, [1]), await ask<Refused>(app, 'GET', `/channels/${name}`)];
      for (const { status, body } of answers) expect([status, body.statusCode]).toEqual([400, 400]);
      expect(answers[0]?.body.message).toContain(said);
    });

    it('accept any other name, and do not share events between names', async () => {
      for (const name of [
        '__proto__',
        'constructor',
        '%C3%BC',
        'running',
        'a%2Fb',
        'x'.repeat(256),
        '%C3%BC'.repeat(128),
      ]) {
        const stream = await openStream(app, `/channels/${name}`);
        await publish(name, [name]);
        expect((await stream.next()).data).toBe(name);
        await stream.close();
      }
    });

    it('accept an event of the maximum length, and reject a longer one, alone or in a batch', async () => {
      const stream = await openStream(app, '/channels/long');
      const longest = 'x'.repeat(262_144 - 'id: \ndata: \n\n'.length + 'id: \n'.length);
      expect((await publish('long', { data: longest })).status).toBe(201);
      for (const body of [{ data: `${longest}x` }, ['short', { data: `${longest}x` }]]) {
        const { status, body: refused } = await publish('long', body);
        expect([status, refused.message]).toEqual([413, expect.stringContaining('maxEventBytes')]);
      }
      await publish('long', ['after']);
      expect((await stream.collect(2)).map(({ data }) => data)).toEqual([longest, 'after']);
      await stream.close();
    });

    it('accept any JSON as a payload', async () => {
      const stream = await openStream(app, '/channels/any');
      for (const body of ['text', 17, true, null, { a: [] }])
        expect((await publish('any', body)).status).toBe(201);
      expect((await stream.collect(5)).map(({ data }) => data)).toEqual([
        'text',
        '17',
        'true',
        'null',
        '{"a":[]}',
      ]);
      await stream.close();
    });

    it.each([
      ['JSON', 400, '{"data":'],
      ['"id"', 400, '{"id":"a\\nb","data":1}'],
      ['"type"', 400, '{"type":"a\\nb","data":1}'],
      ['"~end"', 400, '[{"data":1},{"id":"~end","data":2}]'],
      ['1000 events', 400, JSON.stringify(range(0, 1001))],
      ['arge', 413, JSON.stringify(['x'.repeat(5_000_000)])],
    ])('reject a body: %s', async (said, status, body) => {
      const before = await publish('refuse', ['before']);
      const answer = await ask<Refused>(app, 'POST', '/channels/refuse', body);
      expect(answer.status).toBe(status);
      expect(answer.body.statusCode).toBe(status);
      expect(answer.body.message).toContain(said);
      const stream = await openStream(app, '/channels/refuse', { lastEventId: before.body.ids[0] as string });
      await publish('refuse', ['after']);
      expect((await stream.next()).data).toBe('after');
      await stream.close();
    });

    it('reject a missing body, and an ID of the publisher that goes backwards', async () => {
      expect((await post('/channels/none')).status).toBe(400);
      expect((await publish('own', { id: 5, data: 'five' })).body.ids).toEqual(['5']);
      const { status, body } = await publish('own', { id: 4, data: 'four' });
      expect([status, body.message]).toEqual([409, expect.stringContaining('"4" does not come after "5"')]);
    });

    it('hold no memory without subscribers', async () => {
      const stream = await openStream(app, '/channels/idle');
      expect(app.get(Channels).channel('idle').size()).toBe(1);
      await stream.close();
      await until(() => app.get(Channels).list().length === 0);
    });
  });

  describe('the runs of the demo', () => {
    it('continue without their reader, which reconnects and gets each word once', async () => {
      expect(await post('/runs/story', { prompt: 'Go', words: 60 })).toEqual({
        status: 201,
        body: { id: 'story', status: 'running' },
      });
      const first = await openStream(app, '/runs/story');
      const begun = await first.collect(3);
      await first.close();
      const back = await openStream(app, '/runs/story', { lastEventId: begun[2]?.id as string });
      const rest = await back.rest();
      expect(rest.pop()).toMatchObject({ type: 'done', data: '{"prompt":"Go","words":60}' });
      expect([...begun, ...rest].map((event) => event.json<{ n: number }>().n)).toEqual(range(0, 60));
      const late = await openStream(app, '/runs/story');
      expect((await late.rest()).map(({ id }) => id).slice(0, 60)).toEqual(
        [...begun, ...rest].map(({ id }) => id),
      );
    });

    it('are stopped for all viewers, and can be started again', async () => {
      await post('/runs/long', { words: 9000 });
      expect((await post('/runs/long', { words: 1 })).status).toBe(409);
      const streams = [await openStream(app, '/runs/long'), await openStream(app, '/runs/long')];
      for (const stream of streams) await stream.next();
      expect(await ask(app, 'DELETE', '/runs/long')).toEqual({
        status: 200,
        body: { id: 'long', status: 'stopped' },
      });
      for (const stream of streams) expect((await stream.rest()).at(-1)?.type).toBe('stopped');
      expect((await ask(app, 'DELETE', '/runs/long')).status).toBe(200);
      expect(ownRuns(app.get(Runs))).toEqual([]);
      expect((await post('/runs/long', { words: 1 })).status).toBe(201);
    });

    it('answer 404 for an unknown run, 400 for an invalid ID', async () => {
      for (const method of ['GET', 'DELETE']) {
        const { status, body } = await ask<Refused>(app, method, '/runs/none');
        expect([status, body.statusCode]).toEqual([404, 404]);
        expect([400, 414]).toContain((await ask(app, method, `/runs/${long}`)).status);
      }
      expect([400, 414]).toContain((await post(`/runs/${long}`)).status);
      expect((await post('/runs/a%00b')).status).toBe(400);
      for (const body of [
        { words: 0 },
        { words: 1.5 },
        { words: '5' },
        { prompt: 5 },
        { prompt: long },
        [],
        5,
      ]) {
        expect((await post('/runs/bad', body)).status).toBe(400);
      }
    });
  });
});
