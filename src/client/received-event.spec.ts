import { connect, type ReceivedEvent } from 'nestjs-event-stream/client';
import { ScriptedServer, ended, open, stream } from '../../test/fixtures/client/scripted-server.js';

interface Contract {
  progress: { pct: number };
  done: { url: string };
}

describe('what connect() hands out', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  async function received(text: string): Promise<ReceivedEvent[]> {
    server = await ScriptedServer.start(stream(text));
    const events: ReceivedEvent[] = [];
    for await (const event of connect(server.url, { retry: false })) events.push(event);
    return events;
  }

  it('carries name, data, id and last event ID', async () => {
    const events = await received('event: progress\nid: 7\ndata: {"pct":1}\n\ndata: a\ndata:  b\n\n');
    expect(events.map(({ type, data, id, lastEventId }) => ({ type, data, id, lastEventId }))).toEqual([
      { type: 'progress', data: '{"pct":1}', id: '7', lastEventId: '7' },
      { type: 'message', data: 'a\n b', id: undefined, lastEventId: '7' },
    ]);
  });

  it('keeps an id of 0, and data that is empty', async () => {
    const [event] = await received('id: 0\ndata\n\n');
    expect([event?.id, event?.lastEventId, event?.data]).toEqual(['0', '0', '']);
  });

  it('parses its data once, and leaves data that is not JSON as text', async () => {
    const [json, text] = await received('data: [1]\n\ndata: [DONE]\n\n');
    expect(json?.json()).toEqual([1]);
    expect(json?.json()).toBe(json?.json());
    expect(text?.data).toBe('[DONE]');
    expect(() => text?.json()).toThrow(SyntaxError);
  });

  it('has no event for comments, ids alone, names alone and reconnection times', async () => {
    const events = await received(':\n: hello\n\nid: 1\n\nevent: x\n\nretry: 5\n\ndata: last\n\n');
    expect(events.map(({ data, lastEventId }) => [data, lastEventId])).toEqual([['last', '1']]);
  });

  it('drops an event that the response ended within, with its id', async () => {
    server = await ScriptedServer.start(stream('id: 1\ndata: whole\n\nid: 2\ndata: half\n'));
    const events = connect(server.url, { retry: false });
    const data: string[] = [];
    for await (const event of events) data.push(event.data);
    expect(data).toEqual(['whole']);
    expect(events.lastEventId).toBe('1');
  });

  it('ignores an id with a NUL, and a byte order mark at the start', async () => {
    const events = await received('\uFEFFid: 1\ndata: a\n\nid: 2\0\ndata: b\n\n');
    expect(events.map(({ data, id, lastEventId }) => [data, id, lastEventId])).toEqual([
      ['a', '1', '1'],
      ['b', undefined, '1'],
    ]);
  });

  it('has the payload type that the map gives to its name', async () => {
    server = await ScriptedServer.start(stream('event: progress\ndata: {"pct":70}\n\n'), ended);
    for await (const event of connect<Contract>(server.url, { retry: { initialMs: 0 } })) {
      if (event.type === 'progress') {
        const pct: number = event.json().pct;
        expect(pct).toBe(70);
      } else {
        const url: string = event.json().url;
        // @ts-expect-error -- `done` has no pct
        expect([url, event.json().pct]).toBe('not reached');
      }
    }
    // @ts-expect-error -- the contract has no such event
    connect<Contract>(server.url, { events: ['stop'] });
    // @ts-expect-error -- without a map, a payload is unknown
    void ((event: ReceivedEvent) => event.json().pct);
    expect.assertions(1);
  });

  it('is limited to the names in `events`, while the others move the last event ID', async () => {
    const text =
      'event: a\nid: 1\ndata: 1\n\nid: 2\ndata: 2\n\nevent: b\nid: 3\ndata: 3\n\nevent: c\nid: 4\ndata: 4\n\n';
    server = await ScriptedServer.start(stream(text), ended);
    const events = connect(server.url, { events: ['a', 'message'], retry: { initialMs: 0 } });
    const seen: string[] = [];
    for await (const { type, data } of events) seen.push(`${type} ${data}`);
    expect(seen).toEqual(['a 1', 'message 2']);
    expect(server.requests[1]?.headers['last-event-id']).toBe('4');
  });

  it('is one sequence for calls of next() that overlap, and for loops that share it', async () => {
    server = await ScriptedServer.start(open('data: 1\n\ndata: 2\n\n'));
    const events = connect(server.url);
    const first = await Promise.all([events.next(), events.next()]);
    expect(first.map(({ value }) => value?.data)).toEqual(['1', '2']);
    const waiting = [events.next(), events.next()];
    events.close();
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    expect(events[Symbol.asyncIterator]()).toBe(events);
    expect(server.requests).toHaveLength(1);
  });
});
