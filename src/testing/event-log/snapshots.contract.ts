import type { EventLog, LogSnapshots } from '../../log/event-log.js';
import { ALL, codeOf, numbers, records, type Expect, type Lives, type Test } from './contract-kit.js';

/** The states of folds, for a log that keeps them. */
export function describeSnapshots(test: Test, expect: Expect): void {
  const stored = (property: string, check: (nodes: SnapshotNodes) => Promise<void>, retention = {}): void =>
    test(
      property,
      async (nodes) => {
        const [store, otherStore] = [nodes.log.snapshots, nodes.other.snapshots];
        if (store && otherStore) await check({ ...nodes, store, otherStore });
      },
      retention,
    );

  stored('a stored state is read from any node, and only under its channel and its fold', async (nodes) => {
    const { log, store, otherStore } = nodes;
    const [first = '', second = ''] = await log.append('a', records('1', '2'));
    expect(await store.read('a', 'sum.1')).toBe(undefined);
    expect(await store.position('a', 'sum.1')).toBe(undefined);
    const state = JSON.stringify({ text: 'ü\u0000\ud800\n', sum: 1 });
    expect(await store.write('a', 'sum.1', { position: first, state }, undefined)).toBe(true);
    expect(await otherStore.read('a', 'sum.1')).toEqual({ position: first, state });
    expect(await otherStore.position('a', 'sum.1')).toBe(first);
    expect(await otherStore.write('a', 'sum.1', { position: second, state: '3' }, first)).toBe(true);
    expect(await store.read('a', 'sum.1')).toEqual({ position: second, state: '3' });
    for (const [channel, fold] of [
      ['a', 'sum.2'],
      ['b', 'sum.1'],
    ] as const) {
      expect(await store.read(channel, fold)).toBe(undefined);
    }
  });

  stored('a state never replaces one that it does not name, nor a later one', async (nodes) => {
    const { log, store, otherStore } = nodes;
    const [first = '', second = '', third = ''] = await log.append('a', records('1', '2', '3'));
    const write = (by: LogSnapshots, position: string, replaces: string | undefined) =>
      by.write('a', 'f', { position, state: `"${position}"` }, replaces);
    expect(await write(store, second, first)).toBe(false);
    expect(await write(store, second, undefined)).toBe(true);
    for (const [position, replaces] of [
      [third, undefined],
      [third, first],
      [second, second],
      [first, second],
    ] as const) {
      expect([position, await write(otherStore, position, replaces)]).toEqual([position, false]);
    }
    const racing = await Promise.all([store, otherStore].map(async (by) => write(by, third, second)));
    expect(racing.filter(Boolean)).toEqual([true]);
    expect(await store.read('a', 'f')).toEqual({ position: third, state: `"${third}"` });
  });

  stored(
    'a state whose position the channel does not have is not stored',
    async ({ log, store, anotherLife }) => {
      const [position = ''] = await log.append('a', records('1'));
      const earlier = position;
      const later = await anotherLife();
      await later.append('a', records('1'));
      for (const unknown of ['', 'x', 'nobody-1', earlier]) {
        const state = { position: unknown, state: '1' };
        expect([unknown, await later.snapshots?.write('a', 'f', state, undefined)]).toEqual([unknown, false]);
      }
      expect(await later.snapshots?.read('a', 'f')).toBe(undefined);
      expect(await store.read('a', 'f')).toBe(undefined);
    },
  );

  stored(
    'a state stays when the entries that it includes are evicted, and what follows it is read',
    async ({ log, store, other }) => {
      let position = '';
      for (let i = 0; i < 60; i++)
        position = (await log.append('a', records(...numbers(i * 10, 10)))).at(-1) ?? '';
      expect(await store.write('a', 'f', { position, state: '600' }, undefined)).toBe(true);
      for (let i = 0; i < 60; i++) await other.append('b', records(...numbers(i * 10, 10)));
      await other.append('a', records('600'));
      const kept = await other.snapshots?.read('a', 'f');
      expect(kept?.position).toBe(position);
      const { gap, entries } = await other.read('a', kept?.position, ALL);
      expect([gap, entries.length]).toEqual([false, 1]);
    },
    { maxEvents: 10 },
  );

  stored(
    'a read from the oldest says whether the channel has evicted something',
    async ({ log, other }) => {
      expect((await log.read('a', undefined, ALL)).whole).toBe(true);
      await log.append('a', records(...numbers(0, 5)));
      expect((await other.read('a', undefined, ALL)).whole).toBe(true);
      for (let i = 0; i < 60; i++) await log.append('a', records(...numbers(i * 10, 10)));
      expect((await other.read('a', undefined, ALL)).whole).toBe(false);
      expect((await other.read('b', undefined, ALL)).whole).toBe(true);
    },
    { maxEvents: 10 },
  );

  stored(
    'a state of more than maxEventBytes is refused',
    async ({ log, store }) => {
      const [position = ''] = await log.append('a', records('1'));
      const over = { position, state: JSON.stringify('x'.repeat(99)) };
      expect(await codeOf(async () => store.write('a', 'f', over, undefined))).toBe('SSE_EVENT_TOO_LARGE');
      const fits = { position, state: JSON.stringify('x'.repeat(98)) };
      expect(await store.write('a', 'f', fits, undefined)).toBe(true);
    },
    { maxEventBytes: 100 },
  );

  stored('the states of a closed log fail with SSE_LOG_UNAVAILABLE', async ({ log, store }) => {
    const [position = ''] = await log.append('a', records('1'));
    await log.close();
    for (const call of [
      async () => store.read('a', 'f'),
      async () => store.position('a', 'f'),
      async () => store.write('a', 'f', { position, state: '1' }, undefined),
    ]) {
      expect(await codeOf(call)).toBe('SSE_LOG_UNAVAILABLE');
    }
  });
}

interface SnapshotNodes extends Lives {
  readonly log: EventLog;
  readonly store: LogSnapshots;
  readonly otherStore: LogSnapshots;
}
