import { EventSource, type EventSourceErrorEvent } from 'nestjs-event-stream/client';
import { impatientClock } from '../../test/fixtures/client/manual-clock.js';
import {
  ScriptedServer,
  broken,
  ended,
  open,
  status,
  stream,
} from '../../test/fixtures/client/scripted-server.js';

describe('EventSource', () => {
  let server: ScriptedServer;
  afterEach(() => server?.stop());

  /** Every event of a source up to the error with which it closes. */
  function record(source: EventSource, ...types: string[]): Promise<string[]> {
    const log: string[] = [];
    const note = (event: Event & { data?: unknown; error?: unknown }): void => {
      // By its name: an error of fetch comes from another realm.
      const said = (event.error as Error | undefined)?.name ?? event.data ?? '';
      log.push(`${event.type} ${source.readyState} ${String(said)}`.trim());
    };
    source.addEventListener('open', note);
    for (const type of ['message', ...types]) source.addEventListener(type, note);
    return new Promise((resolve) => {
      source.onerror = (event) => {
        note(event);
        if (source.readyState === source.CLOSED) resolve(log);
      };
    });
  }

  it('dispatches what the one of a browser does, and reconnects', async () => {
    server = await ScriptedServer.start(
      broken('id: 1\ndata: a\n\nevent: tick\ndata: b\n\n'),
      status(503),
      stream('data: c\n\n'),
      ended,
    );
    const source = new EventSource(server.url, { clock: impatientClock });
    expect([source.readyState, source.url, source.withCredentials]).toEqual([0, server.url, false]);
    expect(await record(source, 'tick')).toEqual([
      ...[
        'open 1',
        'message 1 a',
        'tick 1 b',
        'error 0 TypeError',
        'error 0 SseError',
        'open 1',
        'message 1 c',
      ],
      ...['error 0', 'error 2'],
    ]);
    expect(server.requests.map(({ headers }) => headers['last-event-id'])).toEqual([
      undefined,
      '1',
      '1',
      '1',
    ]);
  });

  it('has the fields of a message, and calls the handler before the listeners', async () => {
    server = await ScriptedServer.start(open('id: 7\ndata: a\n\n'));
    const source = new EventSource(new URL(server.url));
    const order: string[] = [];
    const message = await new Promise<MessageEvent>((resolve) => {
      source.addEventListener('message', (event) => {
        order.push('listener');
        resolve(event);
      });
      source.onmessage = () => order.push('handler');
      source.onopen = () => order.push('open');
    });
    expect([message.type, message.data, message.lastEventId, message.origin]).toEqual([
      'message',
      'a',
      '7',
      new URL(server.url).origin,
    ]);
    expect(order).toEqual(['open', 'handler', 'listener']);
    source.close();
    source.close();
    expect(source.readyState).toBe(EventSource.CLOSED);
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
  });

  it('is silent after close(), also within a listener', async () => {
    server = await ScriptedServer.start(open('data: a\n\ndata: b\n\n'));
    const source = new EventSource(server.url);
    const seen: unknown[] = [];
    source.onerror = () => seen.push('error');
    source.onmessage = ({ data }) => {
      seen.push(data);
      source.close();
    };
    while (server.requests.length === 0) await new Promise(setImmediate);
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    await new Promise(setImmediate);
    expect(seen).toEqual(['a']);
  });

  it('closes with the error of a response that is not retried', async () => {
    server = await ScriptedServer.start(status(404));
    const source = new EventSource(server.url);
    const event = await new Promise<EventSourceErrorEvent>((resolve) => (source.onerror = resolve));
    expect([event.error, source.readyState]).toEqual([
      expect.objectContaining({ code: 'SSE_RESPONSE_STATUS' }),
      EventSource.CLOSED,
    ]);
  });

  it('sends headers, methods, bodies and cookies', async () => {
    const inits: RequestInit[] = [];
    const fetch = (_url: string, init: RequestInit): Promise<Response> => {
      inits.push(init);
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    const options = { fetch, headers: { 'X-A': '1' }, body: { q: 1 } };
    for (const withCredentials of [true, false]) {
      const source = new EventSource('http://localhost/', { ...options, withCredentials });
      expect(source.withCredentials).toBe(withCredentials);
      await new Promise((resolve) => (source.onerror = resolve));
    }
    expect(inits.map(({ method, credentials, body }) => [method, credentials, body])).toEqual([
      ['POST', 'include', '{"q":1}'],
      ['POST', 'same-origin', '{"q":1}'],
    ]);
    expect(new Headers(inits[0]?.headers).get('x-a')).toBe('1');
  });

  it('rejects invalid options as connect() does', () => {
    expect(() => new EventSource('/relative')).toThrow('connect(): Invalid option "url": "/relative".');
    expect(() => new EventSource('http://localhost/', { retr: 1 } as object)).toThrow(
      'Did you mean "retry"? Rename it, or remove it.',
    );
  });
});
