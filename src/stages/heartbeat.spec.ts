import type { ExecutionContext } from '@nestjs/common';
import { SharedTimers } from '../time/shared-timers.js';
import { comment, event, type SseEvent } from '../events/sse-event.js';
import type { HeartbeatOptions } from './heartbeat.options.js';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { Heartbeat } from './heartbeat.js';

const context = { of: 'the request' } as unknown as ExecutionContext;

/** A stream that records what it is sent, and when. */
class Noted {
  lastWriteAt = 0;
  waiting = false;
  readonly sent: [at: number, event: SseEvent][] = [];
  constructor(private readonly clock: ManualClock) {}
  next(sent: SseEvent): void {
    this.lastWriteAt = this.clock.now();
    this.sent.push([this.clock.now(), sent]);
  }
}

function beating(options: HeartbeatOptions & { intervalMs: number }) {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const stream = new Noted(clock);
  const failures: unknown[] = [];
  const settings = { serialize: JSON.stringify, ...options };
  const heartbeat = new Heartbeat(
    settings,
    { context, failed: (error) => failures.push(error) },
    timers,
    stream,
  );
  heartbeat.start();
  return { clock, timers, stream, failures, heartbeat };
}

/** At most 1/32 later than due, because timers are shared. */
const LATE = 1 + 1 / 32;

describe('a heartbeat', () => {
  it('is sent after each interval of silence', () => {
    const { clock, stream } = beating({ intervalMs: 1000 });
    clock.advance(999);
    expect(stream.sent).toEqual([]);
    clock.advance(1000 * LATE - 999);
    expect(stream.sent.map(([, sent]) => sent)).toEqual([comment('')]);
    clock.advance(10_000 * LATE);
    expect(stream.sent).toHaveLength(11);
  });

  it('is sent only after silence', () => {
    const { clock, stream } = beating({ intervalMs: 1000 });
    for (let i = 0; i < 50; i++) {
      clock.advance(900);
      stream.lastWriteAt = clock.now();
    }
    expect(stream.sent).toEqual([]);
    clock.advance(1000 * LATE + 1);
    expect(stream.sent).toHaveLength(1);
  });

  it('is sent also while events flow if an option asks for it', () => {
    const { clock, stream } = beating({ intervalMs: 1000, always: true });
    for (let i = 0; i < 100; i++) {
      clock.advance(100);
      stream.lastWriteAt = clock.now();
    }
    expect(stream.sent.length).toBeGreaterThanOrEqual(9);
  });

  it('never queues behind a client that does not read', () => {
    const { clock, stream } = beating({ intervalMs: 1000 });
    stream.waiting = true;
    clock.advance(10_000);
    expect(stream.sent).toEqual([]);
    stream.waiting = false;
    clock.advance(1000 * LATE);
    expect(stream.sent).toHaveLength(1);
  });

  it.each<[HeartbeatOptions, SseEvent]>([
    [{}, comment('')],
    [{ event: 'ping' }, event({ type: 'ping', data: '' })],
    [{ event: 'ping', data: { t: 1 } }, event({ type: 'ping', data: '{"t":1}' })],
    [{ data: 'beat' }, event({ data: 'beat' })],
    [{ data: '' }, event({ data: '' })],
    [{ data: 0 }, event({ data: '0' })],
    [{ event: 'ping', id: '7' }, event({ type: 'ping', id: '7', data: '' })],
    [{ data: () => 'made' }, event({ data: 'made' })],
    [{ data: (request: { of: string }) => request.of }, event({ data: 'the request' })],
    [{ event: 'ping', id: () => '8', data: () => [1] }, event({ type: 'ping', id: '8', data: '[1]' })],
  ])('is made according to its option: %j', (options, expected) => {
    const { clock, stream } = beating({ intervalMs: 1000, ...options });
    clock.advance(1000 * LATE);
    expect(stream.sent.map(([, sent]) => sent)).toEqual([expected]);
  });

  it('is made again for each beat', () => {
    let beats = 0;
    const { clock, stream } = beating({ intervalMs: 1000, id: () => String(++beats), data: () => beats });
    clock.advance(3100);
    expect(stream.sent.map(([, { id, data }]) => [id, data])).toEqual([
      ['1', '1'],
      ['2', '2'],
      ['3', '3'],
    ]);
  });

  it.each<HeartbeatOptions>([
    {
      data: () => {
        throw new Error('no beat');
      },
    },
    { data: 1n },
    { data: 'x', id: () => 'a\nb' },
  ])('that cannot be made ends its stream with that error, and stops', (options) => {
    const { clock, stream, timers, failures } = beating({ intervalMs: 1000, ...options });
    clock.advance(10_000);
    expect(failures).toHaveLength(1);
    expect(stream.sent).toEqual([]);
    expect(timers.size).toBe(0);
  });

  it('stops with stop()', () => {
    const { clock, stream, timers, heartbeat } = beating({ intervalMs: 1000 });
    heartbeat.stop();
    clock.advance(10_000);
    expect(stream.sent).toEqual([]);
    expect(timers.size).toBe(0);
  });
});

describe('ten thousand idle streams', () => {
  it('share few timers, and are not all written to in one turn', async () => {
    const clock = new ManualClock();
    const timers = new SharedTimers(clock);
    let thisTurn = 0;
    let most = 0;
    let sent = 0;
    const stream = {
      lastWriteAt: 0,
      waiting: false,
      next: () => {
        sent++;
        most = Math.max(most, ++thisTurn);
      },
    };
    const settings = { intervalMs: 15_000, serialize: JSON.stringify };
    const owner = { context, failed: () => undefined };
    for (let i = 0; i < 10_000; i++) {
      new Heartbeat(settings, owner, timers, stream).start();
      if (i % 100 === 0) clock.advance(1);
    }
    expect(timers.size).toBe(10_000);
    expect(clock.size).toBe(1);
    clock.advance(15_000 * LATE);
    while (sent < 10_000) {
      thisTurn = 0;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(sent).toBe(10_000);
    expect(most).toBeLessThanOrEqual(100);
    expect(clock.size).toBe(1);
  });
});
