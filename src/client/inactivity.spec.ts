import { connect } from 'nestjs-event-stream/client';
import { ManualClock } from '../../test/fixtures/client/manual-clock.js';
import { ScriptedServer, ended, open } from '../../test/fixtures/client/scripted-server.js';

describe('after inactivityMs, connect()', () => {
  let server: ScriptedServer;
  afterEach(() => server.stop());

  it('takes a silent connection for dead, and goes on after its last event', async () => {
    server = await ScriptedServer.start(open('id: 1\ndata: 1\n\n'), ended);
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const events = connect(server.url, {
      clock,
      inactivityMs: 45_000,
      onRetry: ({ error }) => errors.push(error),
      retry: { initialMs: 5, jitter: 0 },
    });
    expect((await events.next()).value?.data).toBe('1');
    const next = events.next();
    await clock.timer(45_000);
    clock.advance(44_999);
    expect(errors).toEqual([]);
    clock.advance(1);
    clock.advance(49);
    expect(errors).toEqual([]);
    clock.advance(1);
    await clock.timer(5);
    expect(errors).toEqual([
      expect.objectContaining({
        name: 'TimeoutError',
        message: `No byte from GET ${server.url} for 45000 ms.`,
      }),
    ]);
    expect(await server.requests[0]?.over).toEqual({ cutOff: true });
    clock.advance(5);
    expect(await next).toEqual({ done: true, value: undefined });
    expect(server.requests[1]?.headers['last-event-id']).toBe('1');
    expect(clock.timers.size).toBe(0);
  });

  it('counts any byte as a sign of life, comments too', async () => {
    let write: (text: string) => void = () => undefined;
    server = await ScriptedServer.start((response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      write = (text) => response.write(text);
      write(':\n');
    });
    const clock = new ManualClock();
    const events = connect(server.url, { clock, inactivityMs: 1000 });
    const next = events.next();
    for (const beat of [': beat\n', ':\n', ': beat\n']) {
      await clock.timer(1000);
      clock.advance(900);
      const timers = [...clock.timers];
      write(beat);
      // The next timer is another one: the beat has arrived.
      while (clock.timers.has(timers[0] as never)) await new Promise(setImmediate);
    }
    await clock.timer(1000);
    write('data: x\n\n');
    expect((await next).value?.data).toBe('x');
    expect(clock.timers.size).toBe(0);
    events.close();
  });

  it('reads what arrived while the process was blocked, instead of reporting silence', async () => {
    let write: (text: string) => void = () => undefined;
    server = await ScriptedServer.start((response) => {
      response.writeHead(200, { 'Content-Type': 'text/event-stream' });
      write = (text) => response.write(text);
      write('data: 1\n\n');
    });
    const clock = new ManualClock();
    const errors: unknown[] = [];
    const events = connect(server.url, {
      clock,
      inactivityMs: 1000,
      onRetry: ({ error }) => errors.push(error),
    });
    expect((await events.next()).value?.data).toBe('1');
    const next = events.next();
    await clock.timer(1000);
    // The event is in the socket, and the timer is due long ago: the timer comes first.
    write('data: 2\n\n');
    clock.advance(5000);
    expect((await next).value?.data).toBe('2');
    expect(errors).toEqual([]);
    expect(clock.timers.size).toBe(0);
    events.close();
  });

  it('also gives up on a server that never answers', async () => {
    let arrived: () => void = () => undefined;
    const arrival = new Promise<void>((resolve) => (arrived = resolve));
    server = await ScriptedServer.start(() => arrived(), ended);
    const clock = new ManualClock();
    const events = connect(server.url, { clock, inactivityMs: 1000, retry: { initialMs: 1, jitter: 0 } });
    const next = events.next();
    await arrival;
    await clock.timer(1000);
    clock.advance(1000);
    clock.advance(50);
    await clock.timer(1);
    clock.advance(1);
    expect(await next).toEqual({ done: true, value: undefined });
  });

  it('is not counted while the consumer is busy, and there is no timer where it is off', async () => {
    server = await ScriptedServer.start(open('data: 1\n\n'), open('data: 2\n\n'));
    const clock = new ManualClock();
    const events = connect(server.url, { clock, inactivityMs: 1000 });
    await events.next();
    expect(clock.timers.size).toBe(0);
    events.close();
    const patient = connect(server.url, { clock });
    await patient.next();
    const waiting = patient.next();
    expect(clock.timers.size).toBe(0);
    patient.close();
    await waiting;
  });
});
