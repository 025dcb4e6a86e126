import { toRecord, type LogRecord } from '../../log/log-record.js';
import { event } from '../../events/sse-event.js';
import { ALL, codeOf, numbers, texts, type Expect, type Test } from './contract-kit.js';

/** Ids that publishers gave. */
export function describeOwnIds(test: Test, expect: Expect): void {
  const own = (...ids: (string | undefined)[]): LogRecord[] =>
    ids.map((id) => toRecord(event({ id, data: id ?? '-' }), undefined));

  test('an own id is the id of its event, and is located', async ({ log, other }) => {
    const positions = await log.append('a', own('7', '9', '10'));
    const { entries } = await log.read('a', undefined, ALL);
    expect(entries.map(({ id, frame }) => [id, frame])).toEqual(
      ['7', '9', '10'].map((id) => [id, `id: ${id}\ndata: ${id}\n\n`]),
    );
    for (const [i, id] of ['7', '9', '10'].entries()) expect(await other.locate('a', id)).toBe(positions[i]);
    expect(await log.locate('a', '8')).toBe(positions[0]);
  });

  test('an event without an own id after one with it is not skipped by it', async ({ log }) => {
    await log.append('a', own('1', undefined, '2', undefined));
    for (const [id, rest] of [
      ['1', ['-', '2', '-']],
      ['2', ['-']],
    ] as const) {
      expect(texts(await log.read('a', await log.locate('a', id), ALL))).toEqual(rest);
    }
  });

  test('an own id that the channel cannot know is not located', async ({ log }) => {
    expect(await log.locate('a', '1')).toBe(undefined);
    await log.append('a', own(undefined));
    expect(await log.locate('a', '1')).toBe(undefined);
    await log.append('a', own('5', '6'));
    for (const unknown of ['4', '7', '1000', 'x', 'five']) {
      expect([unknown, await log.locate('a', unknown)]).toEqual([unknown, undefined]);
    }
  });

  test('an own id that does not come after the last is refused, and with it its whole append', async ({
    log,
    other,
  }) => {
    await log.append('a', own('9', '10', undefined));
    for (const ids of [['10'], ['9'], ['x'], ['0011', '11'], ['12', '12'], ['13', 'ab', 'b']]) {
      expect(await codeOf(async () => other.append('a', own(...ids)))).toBe('SSE_ID_ORDER');
    }
    expect((await log.read('a', undefined, ALL)).entries.length).toBe(3);
    await other.append('a', own('11'));
    await other.append('b', own('1'));
    expect(texts(await log.read('a', undefined, ALL))).toEqual(['9', '10', '-', '11']);
  });

  test(
    'an own id that was evicted is not located, or is followed by a gap',
    async ({ log }) => {
      for (let i = 0; i < 60; i++) await log.append('a', own(...numbers(i * 10 + 1, 10)));
      const { entries } = await log.read('a', undefined, ALL);
      const position = await log.locate('a', '3');
      expect(position === undefined || (await log.read('a', position, ALL)).gap).toBe(true);
      expect(await log.locate('a', entries[0]?.id ?? '')).toBe(entries[0]?.position);
      expect(await codeOf(async () => log.append('a', own('3')))).toBe('SSE_ID_ORDER');
    },
    { maxEvents: 10 },
  );
}
