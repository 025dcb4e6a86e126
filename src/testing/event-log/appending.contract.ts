import { toRecord } from '../../log/log-record.js';
import { ALL, codeOf, records, texts, type Expect, type Test } from './contract-kit.js';

/** The guarantees of an append while other appends run. */
export function describeAppending(test: Test, expect: Expect): void {
  test('appends of one process take effect in the order of the calls', async ({ log }) => {
    const calls = Array.from({ length: 50 }, async (_, i) => log.append('a', records(`${i}`)));
    const positions = (await Promise.all(calls)).flat();
    const { entries } = await log.read('a', undefined, ALL);
    expect(entries.map(({ position }) => position)).toEqual(positions);
    expect(new Set(positions).size).toBe(50);
    expect(texts({ entries })).toEqual(Array.from({ length: 50 }, (_, i) => `${i}`));
  });

  test('the records of one append stay together while other nodes append', async ({ log, other }) => {
    const calls = Array.from({ length: 40 }, async (_, i) =>
      (i % 2 ? log : other).append('a', records(`${i}.a`, `${i}.b`, `${i}.c`)),
    );
    await Promise.all(calls);
    const read = texts(await log.read('a', undefined, ALL));
    const threes = Array.from({ length: 40 }, (_, i) => read.slice(i * 3, i * 3 + 3));
    expect(threes.every(([a = '', b, c]) => b === a.replace('a', 'b') && c === a.replace('a', 'c'))).toBe(
      true,
    );
    expect(texts(await other.read('a', undefined, ALL))).toEqual(read);
  });

  test('the order numbers of a channel never fall', async ({ log, other }) => {
    for (let i = 0; i < 20; i++) await (i % 2 ? log : other).append('a', records('x', 'y'));
    const orders = (await log.read('a', undefined, ALL)).entries.map(({ order }) => order);
    expect(orders).toEqual([...orders].sort((a, b) => a - b));
  });

  test('nothing is appended by an empty append', async ({ log }) => {
    expect(await log.append('a', [])).toEqual([]);
    expect(texts(await log.read('a', undefined, ALL))).toEqual([]);
  });

  test(
    'an event beyond maxEventBytes is refused, and with it its whole append',
    async ({ log }) => {
      const fits = toRecord('x'.repeat(92), undefined);
      const over = toRecord('x'.repeat(93), undefined);
      expect([fits.bytes, over.bytes]).toEqual([100, 101]);
      await log.append('a', [fits]);
      expect(await codeOf(async () => log.append('a', [fits, over]))).toBe('SSE_EVENT_TOO_LARGE');
      expect((await log.read('a', undefined, ALL)).entries.length).toBe(1);
    },
    { maxEventBytes: 100 },
  );
}
