import { connect, isSseError, type ConnectOptions } from 'nestjs-event-stream/client';
import { defineEvents, text, type } from 'nestjs-event-stream/events';
import { z } from 'zod';
import { impatientClock } from '../../test/fixtures/client/manual-clock.js';
import { ScriptedServer, ended, stream } from '../../test/fixtures/client/scripted-server.js';

const events = defineEvents({
  progress: z.object({ percent: z.number(), note: z.string().default('none') }),
  at: z.coerce.date(),
  token: text(),
  message: type<{ a: number } | '[DONE]'>(),
});

describe('a stream that is read with a contract', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  async function received(body: string, unknownEvents?: 'ignore' | 'deliver'): Promise<unknown[]> {
    server = await ScriptedServer.start(stream(body), ended);
    const all: unknown[] = [];
    for await (const event of connect(server.url, { events, clock: impatientClock, unknownEvents }))
      all.push(event);
    return all;
  }

  it('has the output of each schema as its data', async () => {
    expect(
      await received(
        'event: progress\nid: 1\ndata: {"percent":5}\n\nevent: at\ndata: "2026-11-29T00:00:00.000Z"\n\n' +
          'event: token\ndata: 5\n\ndata: {"a":1}\n\ndata: [DONE]\n\n',
      ),
    ).toEqual([
      { type: 'progress', data: { percent: 5, note: 'none' }, id: '1', lastEventId: '1' },
      { type: 'at', data: new Date('2026-11-29'), id: undefined, lastEventId: '1' },
      { type: 'token', data: '5', id: undefined, lastEventId: '1' },
      { type: 'message', data: { a: 1 }, id: undefined, lastEventId: '1' },
      { type: 'message', data: '[DONE]', id: undefined, lastEventId: '1' },
    ]);
  });

  it('has the events of the library', async () => {
    const body =
      'event: gap\nid: 3\ndata: {"requested":"1","oldest":null}\n\nevent: stopped\ndata: {"reason":"stop"}\n\n' +
      'event: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n';
    expect((await received(body)).map((event) => (event as { data: object }).data)).toEqual([
      { requested: '1', oldest: null },
      { reason: 'stop' },
      { statusCode: 500, error: 'Internal Server Error', message: 'Internal server error' },
    ]);
  });

  it.each(['ignore', undefined] as const)(
    'drops an event that the contract does not have (unknownEvents: %p), and counts its id',
    async (unknownEvents) => {
      const body =
        'event: later\nid: 7\ndata: {broken\n\nevent: toString\ndata: 1\n\nevent: token\ndata: a\n\n';
      expect(await received(body, unknownEvents)).toEqual([
        { type: 'token', data: 'a', id: undefined, lastEventId: '7' },
      ]);
      expect(server.requests[1]?.headers['last-event-id']).toBe('7');
    },
  );

  it('delivers an event that the contract does not have as text, by option', async () => {
    server = await ScriptedServer.start(stream('event: later\ndata: {"b":1}\n\n'), ended);
    for await (const event of connect(server.url, { events, unknownEvents: 'deliver' })) {
      if (event.type === 'progress') throw new Error(String(event.data.percent));
      if (event.type === 'at' || event.type === 'token' || event.type === 'message')
        throw new Error(event.type);
      if (event.type === 'gap' || event.type === 'stopped' || event.type === 'error')
        throw new Error(event.type);
      expect([event.type, event.data, event.json()]).toEqual(['later', '{"b":1}', { b: 1 }]);
      break;
    }
    expect.assertions(1);
  });

  it.each([
    [
      'data that breaks its schema',
      'event: progress\nid: 9\ndata: {"percent":"5"}\n\n',
      'The data of the event "progress" breaks its contract. data.percent: Invalid input: expected number, received string.',
    ],
    [
      'data that is not JSON',
      'event: progress\nid: 9\ndata: {"percent":\n\n',
      'The data of the event "progress" is not JSON: "{\\"percent\\":". Correct the server, or use text() in the contract.',
    ],
    [
      'data that is empty',
      'event: progress\nid: 9\ndata\n\n',
      'The data of the event "progress" is not JSON: "".',
    ],
  ])('ends with %s, after which the caller can continue', async (_name, body, message) => {
    server = await ScriptedServer.start(
      stream(`event: token\nid: 8\ndata: a\n\n${body}event: token\ndata: b\n\n`),
    );
    const client = connect(server.url, { events });
    expect((await client.next()).value?.data).toBe('a');
    const error: unknown = await client.next().catch((thrown: unknown) => thrown);
    expect(isSseError(error, 'SSE_INVALID_EVENT')).toBe(true);
    expect((error as Error).message).toContain(message);
    expect([client.state, client.lastEventId, server.requests.length]).toEqual(['closed', '9', 1]);
    expect(await server.requests[0]?.over).toBeDefined();
  });

  const schema = (validate: (value: unknown) => unknown) =>
    ({ '~standard': { version: 1, vendor: 'test', validate } }) as never;

  it.each([
    ['throws', schema(() => JSON.parse('{')), 'The schema of the event "a" threw an error.'],
    [
      'is asynchronous',
      schema(() => Promise.reject(new Error('late'))),
      'The schema of the event "a" answered with a promise.',
    ],
    [
      'never settles',
      schema(() => new Promise(() => undefined)),
      'The schema of the event "a" answered with a promise.',
    ],
  ])('ends with a schema that %s', async (_name, broken, message) => {
    server = await ScriptedServer.start(stream('event: a\ndata: 1\n\n'));
    const contract = defineEvents({ a: broken });
    await expect(connect(server.url, { events: contract }).next()).rejects.toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
      message: expect.stringContaining(message) as string,
    });
  });

  it('takes a definition of the contract before the event of the library', async () => {
    server = await ScriptedServer.start(stream('event: error\ndata: {"type":"overloaded"}\n\n'), ended);
    const own = defineEvents({ error: z.object({ type: z.string() }) });
    const { value } = await connect(server.url, { events: own }).next();
    expect(value?.type === 'error' && value.data.type).toBe('overloaded');
  });

  it('is needed for unknownEvents', async () => {
    server = await ScriptedServer.start();
    expect(() => connect(server.url, { unknownEvents: 'deliver' } as ConnectOptions)).toThrow(
      'connect(): Invalid option "unknownEvents": "deliver". Pass a contract as "events", or remove it.',
    );
    expect(() => connect(server.url, { events, unknownEvents: 'drop' as 'ignore' })).toThrow(
      'connect(): Invalid option "unknownEvents": "drop". Use \'ignore\' or \'deliver\'.',
    );
    expect(() => connect(server.url, { events: {} as typeof events })).toThrow(
      'connect(): Invalid option "events": {}. Use a contract or a list of event names.',
    );
  });
});
