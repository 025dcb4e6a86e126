import { ALL, numbers, records, texts, type Expect, type Test } from './contract-kit.js';

/** Reading after events were evicted, and how a reader detects the gap. */
export function describeEviction(test: Test, expect: Expect): void {
  test('a position that means nothing to the log is a gap, and the oldest kept follows', async ({ log }) => {
    const positions = await log.append('a', records('1', '2'));
    const [epoch = '', offset = ''] = (positions[1] ?? '').split('-');
    const future = `${epoch}-${offset.replace(/^./, 'z')}${'z'.repeat(4)}`;
    for (const unknown of [
      '',
      'x',
      '-',
      '--',
      `0${epoch}x-1`.slice(0, 12),
      future,
      `${epoch}-`,
      '__proto__',
    ]) {
      const slice = await log.read('a', unknown, ALL);
      expect([unknown, slice.gap, texts(slice)]).toEqual([unknown, true, ['1', '2']]);
      expect(texts(await log.read('a', slice.from, ALL))).toEqual(['1', '2']);
    }
  });

  test('an unknown position in an empty channel is a gap that ends where new events follow', async ({
    log,
  }) => {
    const slice = await log.read('a', 'nobody-1', ALL);
    expect([slice.gap, slice.entries.length]).toEqual([true, 0]);
    await log.append('a', records('1'));
    const { gap, entries } = await log.read('a', slice.from, ALL);
    expect([gap, texts({ entries })]).toEqual([false, ['1']]);
  });

  const retention = { maxEvents: 10 };
  test(
    'eviction takes the oldest, leaves the order, and shows as a gap to those whom it took something from',
    async ({ log, other }) => {
      const start = await log.tail('a');
      const positions = [];
      for (let i = 0; i < 60; i++)
        positions.push(...(await log.append('a', records(...numbers(i * 10, 10)))));
      const kept = await other.read('a', undefined, ALL);
      expect(kept.entries.length >= 10 && kept.entries.length < 600).toBe(true);
      expect(texts(kept)).toEqual(numbers(600 - kept.entries.length, kept.entries.length));
      for (const gone of [start, positions[0], positions[200]]) {
        const slice = await log.read('a', gone, ALL);
        if (slice.gap) expect(texts(slice)).toEqual(texts(kept));
        else expect(texts(slice)).toEqual(numbers(600 - slice.entries.length, slice.entries.length));
      }
      expect((await log.read('a', positions[0], ALL)).gap).toBe(true);
    },
    retention,
  );

  test(
    'there is no gap before the oldest kept, nor after any that is kept',
    async ({ log }) => {
      for (let i = 0; i < 60; i++) await log.append('a', records(...numbers(i * 10, 10)));
      const { from, entries } = await log.read('a', undefined, ALL);
      const again = await log.read('a', from, ALL);
      expect([again.gap, texts(again)]).toEqual([false, texts({ entries })]);
      for (const [i, { position }] of entries.entries()) {
        const slice = await log.read('a', position, ALL);
        expect([slice.gap, slice.entries.length]).toEqual([false, entries.length - i - 1]);
      }
    },
    retention,
  );

  test('retain() sets the limits of the channels that begin with its text, and of no others', async ({
    log,
    other,
  }) => {
    if (!log.retain) return;
    for (const node of [log, other]) node.retain?.('few:', { maxEvents: 10 });
    for (let i = 0; i < 60; i++) {
      for (const channel of ['few:a', 'fewer:a']) await log.append(channel, records(...numbers(i * 10, 10)));
    }
    const { entries } = await other.read('few:a', undefined, ALL);
    expect(entries.length >= 10 && entries.length < 600).toBe(true);
    expect(texts({ entries })).toEqual(numbers(600 - entries.length, entries.length));
    expect((await other.read('fewer:a', undefined, ALL)).entries.length).toBe(600);
  });
}
