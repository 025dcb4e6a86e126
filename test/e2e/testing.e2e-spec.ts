import { Body, Controller, Param, RequestMethod } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { comment, isSseError, LastEventId, Sse } from 'nestjs-event-stream';
import { defineEvents, type } from 'nestjs-event-stream/events';
import { openStream } from 'nestjs-event-stream/testing';
import { z } from 'zod';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

@Controller()
class TestedController {
  @Sse('count/:n')
  *count(@Param('n') n: string) {
    for (let i = 1; i <= Number(n); i++) yield { type: i % 2 ? 'odd' : 'even', id: i, data: { i } };
  }
  @Sse('quiet')
  async *quiet() {
    yield comment('on');
    yield 'a';
    await new Promise(() => undefined);
  }
  @Sse('echo', { method: RequestMethod.POST })
  *echo(@Body() body: unknown, @LastEventId() id: string | undefined) {
    yield { body, id: id ?? null };
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await makeApp(adapter, { controllers: [TestedController] });
  });
  afterAll(closeApps);

  it.each([0, -1, NaN, Infinity, '5'])('rejects a timeout of %p', async (timeoutMs) => {
    const opening = openStream(app, '/count/1', { timeoutMs: timeoutMs as number });
    await expect(opening).rejects.toThrow('openStream(): Invalid option "timeoutMs": ');
  });

  it.each<[string, () => Promise<unknown>, string, string]>([
    [
      'no application',
      () => openStream(undefined as never, '/x'),
      'SSE_INVALID_OPTIONS',
      'openStream(): The application is undefined.',
    ],
    [
      'no base URL',
      () => openStream('localhost', '/x'),
      'SSE_INVALID_OPTIONS',
      'The application is "localhost".',
    ],
    ['no path', () => openStream(app, 5 as never), 'SSE_INVALID_OPTIONS', 'openStream(): The path is 5.'],
    [
      'another host',
      () => openStream(app, 'http://example.org/'),
      'SSE_INVALID_OPTIONS',
      'The path is "http:',
    ],
    [
      'a header that is not text',
      () => openStream(app, '/x', { headers: { a: 5 as never } }),
      'SSE_INVALID_OPTIONS',
      '"headers',
    ],
    [
      'a bigint body',
      () => openStream(app, '/x', { body: 1n }),
      'SSE_NOT_SERIALIZABLE',
      'The body 1n cannot',
    ],
    [
      'a function body',
      () => openStream(app, '/x', { body: () => 1 }),
      'SSE_NOT_SERIALIZABLE',
      'cannot be written as JSON',
    ],
  ])('rejects %s', async (_name, open, code, message) => {
    const opening = open();
    await expect(opening).rejects.toMatchObject({ code });
    await expect(opening).rejects.toThrow(message);
  });

  it('reads a path that begins with two slashes from the application', async () => {
    expect((await openStream(app, '//example.org/x')).status).toBe(404);
  });

  it.each([-1, NaN, 1.5, '2'])('rejects a count of %p', async (count) => {
    const stream = await openStream(app, '/count/3');
    await expect(stream.collect(count as number)).rejects.toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    expect(await stream.collect(0)).toEqual([]);
    expect(await stream.rest()).toHaveLength(3);
  });

  it('rejects a condition that answers with a promise, which would always hold', async () => {
    const stream = await openStream(app, '/count/3');
    await expect(stream.until((async () => false) as never)).rejects.toMatchObject({
      code: 'SSE_INVALID_OPTIONS',
    });
    await expect(stream.rawUntil((async () => false) as never)).rejects.toMatchObject({
      code: 'SSE_INVALID_OPTIONS',
    });
  });

  it('rejects with the error of a condition, and can be read on', async () => {
    const stream = await openStream(app, '/count/3');
    const broken = stream.until(() => {
      throw new Error('mine');
    });
    await expect(broken).rejects.toThrow('mine');
    expect((await stream.next()).id).toBe('2');
  });

  it('reads one event after the other, in their order', async () => {
    const stream = await openStream(app, '/count/5');
    expect(await stream.next()).toMatchObject({ type: 'odd', id: '1', data: '{"i":1}' });
    expect((await stream.next('even')).json()).toEqual({ i: 2 });
    expect((await stream.next('even')).json()).toEqual({ i: 4 });
    expect((await stream.until(({ id }) => id === '5')).json()).toEqual({ i: 5 });
    expect(await stream.end()).toBe('ended');
  });

  it('collects this many events, or all that are left', async () => {
    const stream = await openStream(app, '/count/5');
    expect((await stream.collect(3)).map(({ id }) => id)).toEqual(['1', '2', '3']);
    expect((await stream.rest()).map(({ id }) => id)).toEqual(['4', '5']);
  });

  it('serves several who wait at once', async () => {
    const stream = await openStream(app, '/count/4', { timeoutMs: 1000 });
    const [body, end, all] = await Promise.all([
      stream.rawUntil((text) => text.includes('id: 4\n')),
      stream.end(),
      stream.collect(4),
    ]);
    expect([body.length > 0, end, all.length]).toEqual([true, 'ended', 4]);
  });

  it('sends a body as JSON, and where the client left off', async () => {
    const stream = await openStream(app, '/echo', { body: { a: 1 }, lastEventId: '7' });
    expect((await stream.next()).json()).toEqual({ body: { a: 1 }, id: '7' });
    await stream.end();
  });

  it('gives the body byte for byte', async () => {
    const stream = await openStream(app, '/quiet');
    expect(await stream.rawUntil((body) => body.includes('data'))).toBe(':\n: on\ndata: a\n\n');
    expect(stream.raw()).toBe(':\n: on\ndata: a\n\n');
    await stream.close();
    expect(await stream.end()).toBe('closed');
  });

  describe('says what was received instead', () => {
    const failure = async (waited: Promise<unknown>): Promise<string> => {
      const error: unknown = await waited.catch((thrown: unknown) => thrown);
      expect(isSseError(error, 'SSE_TEST_TIMEOUT')).toBe(true);
      return (error as Error).message;
    };

    it('when nothing comes in time', async () => {
      const stream = await openStream(app, '/quiet', { timeoutMs: 20 });
      expect(await failure(stream.next('b'))).toBe(
        'GET /quiet (status 200): waited for an event of type "b". Nothing arrived for 20 ms. Events passed over:\n' +
          '  message: a\nThe body ends with: ":\\n: on\\ndata: a\\n\\n"',
      );
      await stream.close();
    });

    it('when the stream ends before', async () => {
      const stream = await openStream(app, '/count/1');
      const message = await failure(stream.collect(2));
      expect(message).toContain('waited for event 2 of 2. The stream ended before.');
    });

    it('when the answer is another', async () => {
      const answer = await openStream(app, '/missing');
      expect(await failure(answer.next())).toContain('GET /missing (status 404): waited for an event.');
    });
  });

  describe('with a contract', () => {
    const numbered = z.object({ i: z.number() });
    const events = defineEvents({ odd: numbered, even: numbered });

    it('has typed events whose data is the output of the schema', async () => {
      const stream = await openStream(app, '/count/3', { events });
      const { type: name, data, id } = await stream.next('even');
      expect([name, data.i, id]).toEqual(['even', 2, '2']);
      expect(await stream.rest()).toEqual([{ type: 'odd', data: { i: 3 }, id: '3', lastEventId: '3' }]);
    });

    it.each([
      [
        'an event that it does not have',
        defineEvents({ odd: numbered }),
        'The contract has no event "even".',
      ],
      [
        'data that breaks it',
        defineEvents({ odd: numbered, even: z.object({ i: z.string() }) }),
        'The data of the event "even" breaks its contract. data.i: ',
      ],
    ])('fails with %s, after the events before it', async (_name, wrong, message) => {
      const stream = await openStream(app, '/count/3', { events: wrong });
      expect((await stream.next('odd')).data).toEqual({ i: 1 });
      await expect(stream.next()).rejects.toThrow(message);
      await expect(stream.end()).rejects.toMatchObject({ code: 'SSE_INVALID_EVENT' });
      await expect(stream.rest()).rejects.toThrow(message);
      await stream.close();
    });

    it('says which events were passed over', async () => {
      const stream = await openStream(app, '/count/2', { events });
      await expect(stream.until(({ data }) => (data as { i?: number }).i === 9)).rejects.toThrow(
        'odd: {"i":1}',
      );
    });

    it('rejects what is not a contract', async () => {
      const opening = openStream(app, '/count/1', { events: { a: type<number>() } as never });
      await expect(opening).rejects.toThrow('openStream(): Invalid option "events": ');
    });
  });

  it('takes the address of a server as well', async () => {
    const stream = await openStream(await app.getUrl(), '/count/1');
    expect(await stream.rest()).toHaveLength(1);
  });
});
