import { Body, Controller, Param, RequestMethod } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { comment, isSseError, LastEventId, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
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

  it('serves several callers that wait at once', async () => {
    const stream = await openStream(app, '/count/4', { timeoutMs: 1000 });
    const [body, end, all] = await Promise.all([
      stream.rawUntil((text) => text.includes('id: 4\n')),
      stream.end(),
      stream.collect(4),
    ]);
    expect([body.length > 0, end, all.length]).toEqual([true, 'ended', 4]);
  });

  it('sends a body as JSON, and the last event ID of the client', async () => {
    const stream = await openStream(app, '/echo', { body: { a: 1 }, lastEventId: '7' });
    expect((await stream.next()).json()).toEqual({ body: { a: 1 }, id: '7' });
    await stream.end();
  });

  it('returns the body byte for byte', async () => {
    const stream = await openStream(app, '/quiet');
    expect(await stream.rawUntil((body) => body.includes('data'))).toBe(':\n: on\ndata: a\n\n');
    expect(stream.raw()).toBe(':\n: on\ndata: a\n\n');
    await stream.close();
    expect(await stream.end()).toBe('closed');
  });

  describe('reports what was received instead', () => {
    const failure = async (waited: Promise<unknown>): Promise<string> => {
      const error: unknown = await waited.catch((thrown: unknown) => thrown);
      expect(isSseError(error, 'SSE_TEST_TIMEOUT')).toBe(true);
      return (error as Error).message;
    };

    it('if nothing arrives in time', async () => {
      const stream = await openStream(app, '/quiet', { timeoutMs: 20 });
      expect(await failure(stream.next('b'))).toBe(
        'GET /quiet (status 200): waited for an event of type "b". Nothing came for 20 ms. Events passed over:\n' +
          '  message: a\nThe body ends with: ":\\n: on\\ndata: a\\n\\n"',
      );
      await stream.close();
    });

    it('if the stream ends before', async () => {
      const stream = await openStream(app, '/count/1');
      const message = await failure(stream.collect(2));
      expect(message).toContain('waited for event 2 of 2. The stream ended before.');
    });

    it('if the answer is something else', async () => {
      const answer = await openStream(app, '/missing');
      expect(await failure(answer.next())).toContain('GET /missing (status 404): waited for an event.');
    });
  });

  it('accepts the address of a server as well', async () => {
    const stream = await openStream(await app.getUrl(), '/count/1');
    expect(await stream.rest()).toHaveLength(1);
  });
});
