import { memoryLog, type EventLog, type Fold, type SseError } from 'nestjs-event-stream';
import { DelayedLog } from '../../../test/contract/delayed-log.js';
import { toRecord } from '../../log/log-record.js';
import { FoldedState, type FoldedChannel } from './folded-state.js';

const sum: Fold<number, number> = {
  initial: 0,
  step: (state, { data }) => {
    if (data === 13) throw new RangeError('thirteen');
    return state + data;
  },
  toEvents: (state) => state,
};

/** The numbers in the channel `a`, and the state of this channel on one node. */
function numbers({
  maxEvents = 1000,
  fold = sum,
  ends,
  behind = (log) => log,
}: {
  maxEvents?: number;
  fold?: Fold<number, number>;
  ends?: FoldedChannel['ends'];
  /** Makes the log of this node out of the one in memory. */
  behind?: (log: EventLog) => EventLog;
} = {}) {
  const memory = memoryLog({ maxEvents });
  const log = behind(memory);
  const failures: unknown[] = [];
  const folded = new FoldedState({
    ...{ channel: 'a', key: 'sum@1', fold: fold as Fold, log, store: log.snapshots!, parse: JSON.parse },
    ends: ends!,
    serialize: undefined,
    failed: (error) => failures.push((error as SseError).code),
  });
  /** Returns the position of the last one. */
  const append = (...values: number[]): string =>
    (
      memory.append(
        'a',
        values.map((value) => toRecord(value, undefined)),
      ) as string[]
    ).at(-1)!;
  /** Another node stores its state. */
  const store = (position: string, state: number, replaces?: string): void => {
    expect(memory.snapshots.write('a', 'sum@1', { position, state: String(state) }, replaces)).toBe(true);
  };
  return { folded, append, store, failures };
}

const ones = (count: number): number[] => Array.from({ length: count }, () => 1);

describe('the state of a channel on one node', () => {
  it('includes all events, although they are more than one read returns', () => {
    const { folded, append } = numbers({ maxEvents: 5000 });
    const last = append(...ones(2500));
    expect(folded.catchUp()).toBe(true);
    expect([folded.toJson(), folded.count, folded.at]).toEqual(['2500', 2500, last]);
  });

  it('includes each event once, although several callers wait for it', async () => {
    const { folded, append } = numbers({ behind: (log) => new DelayedLog(log, 1) });
    append(1, 2, 3);
    expect(await Promise.all([folded.catchUp(), folded.catchUp()])).toEqual([true, true]);
    expect([folded.toJson(), folded.count]).toEqual(['6', 3]);
    append(4);
    expect(await Promise.all([folded.catchUp(), folded.catchUp()])).toEqual([true, true]);
    expect([folded.toJson(), folded.count]).toEqual(['10', 4]);
  });

  it('is the one before the event if step() asks for it', () => {
    const seen: unknown[] = [];
    const step: typeof sum.step = (state, given) => {
      seen.push([folded.catchUp(), folded.toJson()]);
      return sum.step(state, given);
    };
    const { folded, append, failures } = numbers({ fold: { ...sum, step } });
    append(1, 2, 3);
    expect([folded.catchUp(), folded.toJson()]).toEqual([true, '6']);
    expect([seen, failures]).toEqual([
      [
        [true, '0'],
        [true, '1'],
        [true, '3'],
      ],
      [],
    ]);
  });

  it.each([
    ['an event that cannot be folded', 13, ['SSE_FOLD_FAILED']],
    ['the end of the channel', -1, []],
  ])('stays the same after %s, also when the events after it are evicted', (_, value, reports) => {
    const { folded, append, failures } = numbers({ maxEvents: 5, ends: ({ data }) => data === -1 });
    const at = append(1, 2);
    append(value, 4);
    expect([folded.catchUp(), folded.toJson()]).toEqual([true, '3']);
    append(...ones(10));
    expect([folded.catchUp(), folded.toJson()]).toEqual([true, '3']);
    expect([folded.at, failures]).toEqual([at, reports]);
  });

  it('comes from another node if this node has lost its own at an event that cannot be folded', () => {
    const { folded, append, store, failures } = numbers({ maxEvents: 2 });
    const at = append(1, 2);
    expect(folded.catchUp()).toBe(true);
    append(13);
    expect([folded.catchUp(), folded.at]).toEqual([false, undefined]);
    store(at, 3);
    expect([folded.catchUp(), folded.at, folded.toJson()]).toEqual([true, at, '3']);
    expect(failures).toEqual(['SSE_FOLD_FAILED']);
  });

  it('continues the one that another node has stored if the events after its own are evicted', () => {
    const { folded, append, store } = numbers({ maxEvents: 5 });
    append(1, 2);
    expect(folded.catchUp()).toBe(true);
    const stored = append(...ones(10));
    store(stored, 13);
    append(7);
    expect([folded.catchUp(), folded.toJson(), folded.count]).toEqual([true, '20', 1]);
    expect(folded.stored).toBe(stored);
  });

  it('begins with the oldest event if it may be partial and the events after the stored one are evicted', () => {
    const { folded, append, store } = numbers({ maxEvents: 5, fold: { ...sum, partial: true } });
    const stored = append(100);
    store(stored, 100);
    append(...ones(10));
    expect([folded.catchUp(), folded.toJson(), folded.count]).toEqual([true, '5', 5]);
    // The next state replaces the stored one.
    expect(folded.stored).toBe(stored);
  });

  it('does not exist while events are evicted faster than they are read', () => {
    let busy = 20;
    const { folded, append, store } = numbers({
      maxEvents: 1500,
      fold: { ...sum, partial: true },
      behind: (log) => {
        const read: EventLog['read'] = (channel, after, limit) => {
          if (after !== undefined && busy-- > 0) append(...ones(1500));
          return log.read(channel, after, limit);
        };
        return Object.assign(Object.create(log) as EventLog, { read });
      },
    });
    store(append(1), 1);
    expect([folded.catchUp(), folded.at, folded.count]).toEqual([false, undefined, 0]);
    busy = 0;
    expect([folded.catchUp(), folded.toJson()]).toEqual([true, '1500']);
  });
});
