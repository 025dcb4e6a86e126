import type { CallHandler, ExecutionContext } from '@nestjs/common';
import { NEVER, Subject, of, throwError, type Observable } from 'rxjs';
import { SharedTimers } from '../time/shared-timers.js';
import { comment, event, type SseEvent } from '../events/sse-event.js';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { HeartbeatInterceptor } from './heartbeat.interceptor.js';

const context = {} as ExecutionContext;

function beating(source: Observable<SseEvent>) {
  const clock = new ManualClock();
  const timers = new SharedTimers(clock);
  const interceptor = new HeartbeatInterceptor({ intervalMs: 1000 }, timers);
  const got: unknown[] = [];
  const next: CallHandler<SseEvent> = { handle: () => source };
  const subscription = interceptor.intercept(context, next).subscribe({
    next: (value) => got.push(value),
    error: (error) => got.push(error),
    complete: () => got.push('end'),
  });
  return { clock, timers, got, subscription };
}

describe('HeartbeatInterceptor', () => {
  it('adds a heartbeat after each silence, and none while there are events', () => {
    const values = new Subject<SseEvent>();
    const { clock, got } = beating(values);
    const a = event({ data: 'a' });
    clock.advance(900);
    values.next(a);
    clock.advance(900);
    expect(got).toEqual([a]);
    clock.advance(200);
    expect(got).toEqual([a, comment('')]);
  });

  it.each([
    ['ends', () => of(event({ data: 'a' }))],
    ['fails', () => throwError(() => new Error('broken'))],
  ])('keeps no timer once its stream %s', (_how, source) => {
    const { timers, got } = beating(source());
    expect(got.at(-1)).toEqual(_how === 'ends' ? 'end' : new Error('broken'));
    expect(timers.size).toBe(0);
  });

  it('keeps no timer after it is unsubscribed', () => {
    const { clock, timers, got, subscription } = beating(NEVER);
    expect(timers.size).toBe(1);
    subscription.unsubscribe();
    expect(timers.size).toBe(0);
    clock.advance(10_000);
    expect(got).toEqual([]);
  });
});
