import { ALL, numbers, records, type Expect, type Test } from './contract-kit.js';

/** More than two clocks of one machine can differ. */
const SKEW_MS = 60_000;

/** The events that `kept()` counts. A log can leave the method out. */
export function describeKeeping(test: Test, expect: Expect): void {
  test('kept() has nothing to count in an empty channel', async ({ log }) => {
    if (!log.kept) return;
    expect(await log.kept('a')).toEqual({ events: 0, bytes: 0, oldestAt: undefined });
  });

  test('kept() counts the events of one channel, in every process', async ({ log, other }) => {
    if (!log.kept || !other.kept) return;
    const appended = records('1', 'größer', 'x'.repeat(5000));
    const before = Date.now();
    await log.append('a', appended.slice(0, 1));
    await log.append('a', appended.slice(1));
    await log.append('b', records('1'));
    const bytes = appended.reduce((sum, record) => sum + record.bytes, 0);
    for (const node of [log, other]) {
      const kept = await node.kept?.('a');
      expect([kept?.events, kept?.bytes]).toEqual([3, bytes]);
      const { oldestAt = before } = kept ?? {};
      expect(Math.abs(oldestAt - before) < SKEW_MS).toBe(true);
    }
  });

  test(
    'kept() counts what a read returns after events were evicted',
    async ({ log }) => {
      if (!log.kept) return;
      for (let i = 0; i < 60; i++) await log.append('a', records(...numbers(100 + i * 10, 10)));
      const [{ bytes } = { bytes: 0 }] = records('100');
      // A log may evict events after it has answered.
      const count = async (): Promise<number> => (await log.read('a', undefined, ALL)).entries.length;
      let kept = await log.kept('a');
      while (kept.events !== (await count())) kept = await log.kept('a');
      expect(kept.events < 600).toBe(true);
      expect(kept.bytes).toBe(kept.events * bytes);
    },
    { maxEvents: 10 },
  );
}
