import { connect, type EventStream, type EventStreamState } from 'nestjs-event-stream/client';
import { defer, firstValueFrom, from, toArray } from 'rxjs';
import { impatientClock } from '../../test/fixtures/client/manual-clock.js';
import {
  ScriptedServer,
  broken,
  ended,
  open,
  status,
  stream,
} from '../../test/fixtures/client/scripted-server.js';

describe('the state of a stream', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  it('is reported with each change, before onRetry', async () => {
    server = await ScriptedServer.start(broken('data: 1\n\n'), status(503), stream('data: 2\n\n'), ended);
    const log: string[] = [];
    const events: EventStream = connect(server.url, {
      clock: impatientClock,
      onState: (state) => log.push(`${state} ${events.state === state}`),
      onRetry: ({ attempt }) => log.push(`attempt ${attempt}`),
    });
    expect(events.state).toBe('idle');
    for await (const { data } of events) log.push(data);
    const retry = ['waiting true', 'connecting true'];
    expect(log).toEqual([
      ...['connecting true', 'open true', '1', 'waiting true', 'attempt 0', 'connecting true'],
      ...[
        'waiting true',
        'attempt 1',
        'connecting true',
        'open true',
        '2',
        'waiting true',
        'attempt 0',
        retry[1],
      ],
      'closed true',
    ]);
  });

  it('does not change after close(), at whatever moment that is called', async () => {
    for (let at = 0; at < 40; at++) {
      const states: EventStreamState[] = [];
      let asked = 0;
      const events = connect('http://localhost/', {
        fetch: async () =>
          new Response(at % 2 ? 'data: 1\n\n' : null, {
            status: at % 2 ? 200 : 503,
            headers: { 'Content-Type': 'text/event-stream' },
          }),
        clock: impatientClock,
        headers: () => ({ n: `${asked++}` }),
        onState: (state) => states.push(state),
      });
      const next = events.next();
      for (let turn = 0; turn < at; turn++) await undefined;
      events.close();
      const before = asked;
      await next;
      expect([states.indexOf('closed'), asked]).toEqual([states.length - 1, before]);
    }
  });

  it('is closed once, after close() and after an abort', async () => {
    server = await ScriptedServer.start(open('data: 1\n\n'), open('data: 1\n\n'));
    const controller = new AbortController();
    for (const end of ['close', 'abort']) {
      const states: EventStreamState[] = [];
      const events = connect(server.url, {
        signal: controller.signal,
        onState: (state) => states.push(state),
      });
      await events.next();
      if (end === 'close') events.close();
      else controller.abort();
      events.close();
      expect(states).toEqual(['connecting', 'open', 'closed']);
    }
  });

  it.each(['onState', 'onRetry'] as const)(
    'ends the iteration with the rejection of an async %s',
    async (name) => {
      server = await ScriptedServer.start(broken('data: 1\n\n'), open('data: 2\n\n'));
      const rejected = new Error(name);
      const events = connect(server.url, {
        clock: impatientClock,
        [name]: async (told: unknown) => {
          await Promise.resolve();
          if (name === 'onRetry' || told === 'waiting') throw rejected;
        },
      });
      await expect(firstValueFrom(from(events).pipe(toArray()))).rejects.toBe(rejected);
      expect(events.state).toBe('closed');
    },
  );

  it.each(['connecting', 'open', 'closed'] as const)(
    'ends the iteration with an error that onState throws for %s',
    async (at) => {
      server = await ScriptedServer.start(open('data: 1\n\n'));
      const thrown = new Error(at);
      const events = connect(server.url, {
        onState: (state) => {
          if (state === at) throw thrown;
        },
      });
      const first = events.next();
      if (at === 'closed') {
        await first;
        const next = events.next();
        events.close();
        await expect(next).rejects.toBe(thrown);
      } else await expect(first).rejects.toBe(thrown);
      expect(events.state).toBe('closed');
    },
  );
});

describe('a stream as an observable', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  it('closes its connection when the subscriber leaves, also while no event arrives', async () => {
    server = await ScriptedServer.start(open('data: 1\n\n'), open('data: 1\n\n'));
    const { url } = server;
    expect((await firstValueFrom(from(connect(url)))).data).toBe('1');
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    let received: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => (received = resolve));
    const subscription = defer(() => connect(url)).subscribe(() => received());
    await arrival;
    subscription.unsubscribe();
    expect(await server.requests[1]?.over).toEqual({ cutOff: true });
  });

  it('completes, and fails, as the iteration does', async () => {
    server = await ScriptedServer.start(stream('data: 1\n\ndata: 2\n\n'), ended, status(404));
    const { url } = server;
    const all = from(connect(url, { clock: impatientClock })).pipe(toArray());
    expect((await firstValueFrom(all)).map(({ data }) => data)).toEqual(['1', '2']);
    await expect(firstValueFrom(from(connect(url)))).rejects.toMatchObject({ code: 'SSE_RESPONSE_STATUS' });
  });

  it('is found under the symbol of a polyfill as well', async () => {
    const symbol = Symbol('observable');
    Object.defineProperty(Symbol, 'observable', { value: symbol, configurable: true });
    try {
      server = await ScriptedServer.start();
      expect(connect(server.url)).toHaveProperty([symbol]);
    } finally {
      Reflect.deleteProperty(Symbol, 'observable');
    }
  });
});
