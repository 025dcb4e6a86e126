import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { CloseCounts } from './close-counts.js';
import type { SseConnection } from './sse-connection.js';

const MINUTE = 60_000;

describe('CloseCounts', () => {
  it('counts by code and minute, and forgets after an hour', () => {
    const clock = new ManualClock();
    const closes = new CloseCounts(clock);
    closes.add('SSE_ENDED');
    clock.advance(MINUTE);
    closes.add('SSE_ENDED');
    closes.add('SSE_ENDED');
    closes.add('SSE_STALLED');
    expect(closes.lastHour().get('SSE_ENDED')?.slice(-2)).toEqual([1, 2]);
    expect(closes.lastHour().get('SSE_STALLED')?.slice(-2)).toEqual([0, 1]);
    clock.advance(59 * MINUTE);
    expect(closes.lastHour().get('SSE_ENDED')?.slice(0, 2)).toEqual([2, 0]);
    clock.advance(MINUTE);
    expect(closes.lastHour().size).toBe(0);
  });

  it('keeps no more than an hour of counts', () => {
    const clock = new ManualClock();
    const closes = new CloseCounts(clock);
    for (let i = 0; i < 200; i++) {
      closes.add('SSE_ENDED');
      clock.advance(MINUTE);
    }
    expect(closes.lastHour().get('SSE_ENDED')).toHaveLength(60);
    expect((closes as unknown as { minutes: Map<number, unknown> }).minutes.size).toBe(60);
  });

  it('names the newest 50 connections that were cut off', () => {
    const closes = new CloseCounts(new ManualClock());
    for (let i = 0; i < 70; i++) {
      closes.cutOff({ route: 'GET /x', id: String(i), queuedBytes: i } as SseConnection, 'stallMs');
    }
    const ids = closes.cutOffs().map(({ id }) => Number(id));
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([50, 20, 69]);
  });
});
