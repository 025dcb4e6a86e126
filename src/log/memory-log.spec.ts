import fc from 'fast-check';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { locatedIn, ownIdCalls } from '../../test/fixtures/own-ids.js';
import { event } from '../events/sse-event.js';
import type { ReadLimit } from './event-log.js';
import { toRecord } from './log-record.js';
import { memoryLog, type MemoryLog } from './memory-log.js';
import type { MemoryLogOptions } from './memory-log.options.js';

const ALL: ReadLimit = { events: Infinity, bytes: Infinity };
const record = (bytes: number) => toRecord('x'.repeat(bytes - 'data: \n\n'.length), undefined);
const publish = (log: MemoryLog, channel: string, ...sizes: number[]) =>
  log.append(channel, sizes.map(record)) as readonly string[];
const kept = (log: MemoryLog, channel: string) =>
  log.read(channel, undefined, ALL).entries.map(({ position }) => position);
const turn = () => new Promise(setImmediate);

describe('retention of a memory log', () => {
  it('keeps exactly maxEvents per channel', () => {
    const log = memoryLog({ maxEvents: 3 });
    const positions = publish(log, 'a', 10, 10, 10, 10);
    publish(log, 'b', 10);
    expect(kept(log, 'a')).toEqual(positions.slice(1));
    expect(log.stats()).toEqual({ channels: 2, events: 4, bytes: 40 });
  });

  it('keeps at most maxBytes per channel, to the byte', () => {
    const log = memoryLog({ maxBytes: 100 });
    const positions = publish(log, 'a', 30, 30, 40);
    expect(kept(log, 'a')).toEqual(positions);
    const [last] = publish(log, 'a', 31);
    expect(kept(log, 'a')).toEqual([positions[2], last]);
  });

  it('keeps entries younger than maxAgeMs, to the millisecond, independent of the last sweep', () => {
    const clock = new ManualClock();
    const log = memoryLog({ maxAgeMs: 500, clock });
    const [first] = publish(log, 'a', 10);
    clock.advance(250);
    const [second] = publish(log, 'a', 10);
    clock.advance(249);
    expect(kept(log, 'a')).toEqual([first, second]);
    clock.advance(1);
    expect(kept(log, 'a')).toEqual([second]);
    expect(log.read('a', first, ALL).gap).toBe(false);
    clock.advance(250);
    expect(kept(log, 'a')).toEqual([]);
    expect([log.read('a', first, ALL).gap, log.read('a', second, ALL).gap]).toEqual([true, false]);
  });

  it('keeps at most maxTotalBytes over all channels, and evicts the channel whose last event is the oldest', () => {
    const log = memoryLog({ maxTotalBytes: 3 * (400 + 44) + 2 * 600 });
    const [first] = publish(log, 'a', 44);
    publish(log, 'b', 44);
    const [third] = publish(log, 'a', 44);
    const [fourth] = publish(log, 'c', 44);
    expect([kept(log, 'a'), kept(log, 'b'), kept(log, 'c')]).toEqual([[first, third], [], [fourth]]);
    publish(log, 'c', 44);
    expect([kept(log, 'a'), kept(log, 'c').length]).toEqual([[third], 2]);
  });

  it('counts the memory of channels, so that many channels with one event each stay within maxTotalBytes', () => {
    const log = memoryLog({ maxTotalBytes: 100 * (400 + 20 + 600) });
    for (let i = 0; i < 1000; i++) publish(log, `user:${i}`, 20);
    expect(log.stats()).toEqual({ channels: 100, events: 100, bytes: 2000 });
    expect([kept(log, 'user:899'), kept(log, 'user:900')].map(({ length }) => length)).toEqual([0, 1]);
  });

  it('keeps the newest entries that fit, for any sequence of publishes', () => {
    const limits = fc.record({
      maxEvents: fc.option(fc.integer({ min: 1, max: 8 }), { nil: false as const }),
      maxBytes: fc.integer({ min: 20, max: 200 }),
      maxAgeMs: fc.option(fc.integer({ min: 1, max: 50 }), { nil: false as const }),
    });
    const steps = fc.array(fc.tuple(fc.nat(10), fc.array(fc.integer({ min: 8, max: 20 }), { maxLength: 4 })));
    fc.assert(
      fc.property(limits, steps, (options, published) => {
        const clock = new ManualClock();
        const log = memoryLog({ ...options, clock });
        const model: { position: string; size: number; at: number }[] = [];
        for (const [waitMs, sizes] of published) {
          clock.advance(waitMs);
          const positions = publish(log, 'a', ...sizes);
          for (const [i, size] of sizes.entries()) {
            model.push({ position: positions[i] ?? '', size, at: clock.now() });
          }
          const fits = () =>
            model.length <= (options.maxEvents || Infinity) &&
            model.reduce((sum, { size }) => sum + size, 0) <= options.maxBytes &&
            model.every(({ at }) => clock.now() - at < (options.maxAgeMs || Infinity));
          while (!fits()) model.shift();
          expect(kept(log, 'a')).toEqual(model.map(({ position }) => position));
          expect(log.stats().bytes).toBe(model.reduce((sum, { size }) => sum + size, 0));
        }
      }),
    );
  });
});

describe('a memory log', () => {
  it('reports a gap for a position of another instance', () => {
    const [before] = publish(memoryLog(), 'a', 10);
    const log = memoryLog();
    publish(log, 'a', 10, 10);
    expect(log.read('a', before, ALL)).toMatchObject({ gap: true, entries: { length: 2 } });
  });

  it('forgets a channel that has neither entries nor listeners, and does not reuse its positions', () => {
    const clock = new ManualClock();
    const log = memoryLog({ maxAgeMs: 1000, clock });
    const [first, second] = publish(log, 'a', 10, 10);
    const unwatch = log.watch(['a', 'w'], () => undefined);
    clock.advance(1000);
    expect([kept(log, 'a'), log.stats().channels]).toEqual([[], 2]);
    unwatch();
    expect(log.stats().channels).toBe(0);
    expect(log.read('a', first, ALL).gap).toBe(true);
    expect(log.read('a', second, ALL).gap).toBe(false);
    const [third] = publish(log, 'a', 10);
    expect([first, second]).not.toContain(third);
    expect([first, second].map((position) => log.read('a', position, ALL).gap)).toEqual([true, false]);
  });

  it('evicts old events without a read, with one timer, and has no timer without events', () => {
    const clock = new ManualClock();
    const log = memoryLog({ maxAgeMs: 10_000, clock });
    expect(clock.size).toBe(0);
    for (let i = 0; i < 100; i++) publish(log, `c${i}`, 10);
    expect([clock.size, log.stats().channels]).toEqual([1, 100]);
    clock.advance(5000);
    expect([clock.size, log.stats().channels]).toEqual([1, 100]);
    clock.advance(5000);
    expect([clock.size, log.stats().channels]).toEqual([0, 0]);
  });

  it('leaves no timer when it is closed', () => {
    const clock = new ManualClock();
    const log = memoryLog({ clock });
    publish(log, 'a', 10);
    log.close();
    expect(clock.size).toBe(0);
    expect(log.stats()).toEqual({ channels: 0, events: 0, bytes: 0 });
  });

  it('calls a listener once for all appends of a turn, including awaited ones', async () => {
    const log = memoryLog();
    const calls: (readonly string[])[] = [];
    log.watch(['a', 'b'], (changed) => calls.push([...changed].sort()));
    await turn();
    for (let i = 0; i < 16; i++) await log.append(i % 2 ? 'a' : 'b', [record(10)]);
    publish(log, 'a', 10, 10);
    expect(calls).toEqual([]);
    await turn();
    expect(calls).toEqual([['a', 'b']]);
  });

  it('calls a listener before it evicts entries that were not announced', async () => {
    const log = memoryLog({ maxEvents: 2 });
    const seen: string[] = [];
    let after: string | undefined = log.tail();
    log.watch(['a'], () => {
      const { entries, gap } = log.read('a', after, ALL);
      expect(gap).toBe(false);
      for (const { position } of entries) seen.push((after = position));
    });
    const positions = publish(log, 'a', 10, 10, 10, 10, 10);
    expect(seen).toEqual(positions.slice(0, 3));
    await turn();
    expect(seen).toEqual(positions);
  });

  it('keeps the records of an append consecutive when a listener publishes in between', async () => {
    const log = memoryLog({ maxEvents: 1 });
    const inner: unknown[] = [];
    const text = ['outer', 'outer', 'outer'].map((data) => toRecord(data, undefined));
    const order: string[] = [];
    let after: string | undefined = log.tail();
    log.watch(['a'], () => {
      for (const entry of log.read('a', after, ALL).entries) {
        after = entry.position;
        order.push(entry.frame.includes('outer') ? 'outer' : 'inner');
        if (inner.length < 2) inner.push(log.append('a', [toRecord('inner', undefined)]));
      }
    });
    await log.append('a', text);
    await Promise.all(inner);
    await turn();
    expect(order).toEqual(['outer', 'outer', 'outer', 'inner', 'inner']);
  });

  it('accepts an event of exactly maxEventBytes, and rejects one of a byte more', () => {
    const log = memoryLog({ maxBytes: 64 });
    expect(publish(log, 'a', 64)).toHaveLength(1);
    expect(() => publish(log, 'a', 65)).toThrow(expect.objectContaining({ code: 'SSE_EVENT_TOO_LARGE' }));
    expect(kept(log, 'a')).toHaveLength(1);
  });

  it('locates own ids as far as it remembers them', () => {
    const log = memoryLog({ maxEvents: 2 });
    const own = (id: string | undefined) =>
      void log.append('a', [toRecord(event({ id, data: '' }), undefined)]);
    const rest = (id: string) => {
      const position = log.locate('a', id);
      if (position === undefined) return 'unknown';
      const { gap, entries } = log.read('a', position, ALL);
      return gap ? 'gap' : entries.length;
    };
    for (const id of ['1', '2', '3']) own(id);
    expect(['0', '1', '2', '3', '4'].map(rest)).toEqual(['unknown', 2, 1, 0, 'unknown']);
    own(undefined);
    own(undefined);
    expect(['1', '2', '3', '4'].map(rest)).toEqual(['unknown', 'unknown', 2, 'unknown']);
    own(undefined);
    expect(rest('3')).toBe('gap');
    expect(() => own('3')).toThrow(expect.objectContaining({ code: 'SSE_ID_ORDER' }));
  });

  const append = (log: MemoryLog, ids: readonly (string | undefined)[]) =>
    log.append(
      'a',
      ids.map((id) => toRecord(event({ id, data: '' }), undefined)),
    ) as readonly string[];

  it('locates the entry before a missing id among ids of several kinds', () => {
    const log = memoryLog();
    const [first] = append(log, ['0', undefined]);
    append(log, ['011', 'a00']);
    append(log, [undefined, undefined]);
    expect(log.locate('a', '010')).toBe(first);
  });

  it('locates the same entry as a linear search, or none if the ids are not comparable', () => {
    fc.assert(
      fc.property(ownIdCalls, fc.constantFrom(3, 1000), ({ calls, asked }, maxEvents) => {
        const log = memoryLog({ maxEvents });
        const [ids, positions]: [(string | undefined)[], string[]] = [[], []];
        for (const call of calls) {
          try {
            positions.push(...append(log, call));
            ids.push(...call);
          } catch {
            // An append with an id out of order adds nothing.
          }
        }
        for (const id of [...asked, ...ids.filter((own) => own !== undefined)]) {
          const { index, mayBeUnknown } = locatedIn(ids, id);
          const found = log.locate('a', id);
          // A position before evicted entries is a gap. The position of the last evicted entry is not.
          if (index !== undefined && index < ids.length - maxEvents - 1) {
            expect(found === undefined || log.read('a', found, ALL).gap).toBe(true);
          } else if (index !== undefined && index < ids.length - maxEvents) {
            expect([undefined, positions[index]]).toContain(found);
          } else if (found !== undefined || !mayBeUnknown) {
            expect([ids, id, found]).toEqual([ids, id, index === undefined ? undefined : positions[index]]);
          }
        }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the options of a memory log', () => {
  it.each<[MemoryLogOptions, string]>([
    [{ maxEvents: 0 }, 'memoryLog(): Invalid option "maxEvents": 0.'],
    [{ maxBytes: -1 }, 'memoryLog(): Invalid option "maxBytes": -1.'],
    [{ maxAgeMs: 1.5 }, 'memoryLog(): Invalid option "maxAgeMs": 1.5.'],
    [{ maxTotalBytes: Number.NaN }, 'memoryLog(): Invalid option "maxTotalBytes": NaN.'],
    [{ maxEventBytes: '9' as unknown as number }, 'memoryLog(): Invalid option "maxEventBytes": "9".'],
    [{ maxEventBytes: 101, maxBytes: 100 }, 'memoryLog(): Invalid option "maxEventBytes": 101.'],
    [{ maxTotalBytes: 1000 }, 'memoryLog(): Invalid option "maxTotalBytes": 1000.'],
    [{ maxEvents: false, maxBytes: false, maxAgeMs: false, maxTotalBytes: false }, 'Without any limit'],
  ])('%j are rejected', (options, what) => {
    expect(() => memoryLog(options)).toThrow(
      expect.objectContaining({ code: 'SSE_INVALID_OPTIONS', message: expect.stringContaining(what) }),
    );
  });

  it.each<[unknown, string]>([
    [{ maxEvent: 5 }, 'memoryLog(): Unknown option "maxEvent": 5. Did you mean "maxEvents"?'],
    [{ maxAge: 5 }, 'memoryLog(): Unknown option "maxAge": 5. Did you mean "maxAgeMs"?'],
    [{ maxEvents: null }, 'memoryLog(): Invalid option "maxEvents": null.'],
    [{ clock: 5 }, 'memoryLog(): Invalid option "clock": 5.'],
    [null, 'memoryLog(): Invalid options: null.'],
    [500, 'memoryLog(): Invalid options: 500.'],
  ])('%j are rejected as unknown or of the wrong type', (options, what) => {
    expect(() => memoryLog(options as MemoryLogOptions)).toThrow(
      expect.objectContaining({ code: 'SSE_INVALID_OPTIONS', message: expect.stringContaining(what) }),
    );
  });

  it('switch a limit off with false, and keep its default with undefined', () => {
    const log = memoryLog({ maxEvents: false, maxAgeMs: undefined });
    publish(log, 'a', ...Array.from({ length: 1001 }, () => 10));
    expect(kept(log, 'a')).toHaveLength(1001);
    const usual = memoryLog({ maxEvents: undefined });
    publish(usual, 'a', ...Array.from({ length: 1001 }, () => 10));
    expect(kept(usual, 'a')).toHaveLength(1000);
    log.close();
    usual.close();
  });
});
