import { ALL, numbers, records, type Expect, type Test } from './contract-kit.js';

/** The order of positions as text. */
export function describePositions(test: Test, expect: Expect): void {
  test('positions of one channel, compared as text, are in the order of the log', async ({ log, other }) => {
    const inOrder = [await log.tail('a')];
    // Past the numbers at which a number in base 10, 16, 32 or 36 gets one more digit, one at a time and by the hundred.
    for (let i = 0; i < 40; i++) inOrder.push(...(await (i % 2 ? log : other).append('a', records(`${i}`))));
    for (let i = 0; i < 13; i++) inOrder.push(...(await log.append('a', records(...numbers(i * 100, 100)))));
    expect(inOrder.slice(1).every((position, i) => inOrder[i]! < position)).toBe(true);
    const { from, entries } = await other.read('a', undefined, ALL);
    const read = entries.map(({ position }) => position);
    expect(read).toEqual(inOrder.slice(inOrder.length - read.length));
    expect(from < read[0]! && (await other.tail('a')) >= read.at(-1)!).toBe(true);
  });

  test('positions of a later life of the log sort after those of an earlier one', async ({
    log,
    anotherLife,
  }) => {
    const earlier = [await log.tail('a'), ...(await log.append('a', records(...numbers(0, 50))))];
    for (let life = 0; life < 3; life++) {
      const next = await anotherLife();
      const later = [await next.tail('a'), ...(await next.append('a', records('1', '2')))];
      expect([later, later.every((position) => position > earlier.at(-1)!)]).toEqual([later, true]);
      earlier.push(...later);
    }
  });

  test('positions and ids contain letters, digits and _ ~ . - only', async ({ log }) => {
    const { entries, from } = await readAll();
    for (const text of [
      from,
      await log.tail('a'),
      ...entries.flatMap(({ id, position }) => [id, position]),
    ]) {
      expect(text).toMatch(/^[A-Za-z0-9_~.-]+$/);
    }

    async function readAll() {
      await log.append('a', records(...numbers(0, 40)));
      return log.read('a', undefined, ALL);
    }
  });
}
