import { channelKey } from '../../log/cursor.js';
import { toRecord } from '../../log/log-record.js';
import { event } from '../../events/sse-event.js';
import { ALL, records, texts, type Expect, type Test } from './contract-kit.js';

/** The results of a read. */
export function describeReading(test: Test, expect: Expect): void {
  test('an acknowledged event is read, from any node, with its position as its id', async ({
    log,
    other,
  }) => {
    const [position = ''] = await log.append('a', records('one'));
    expect(position).toMatch(/^[0-9a-z]{1,16}-[0-9a-z_]{1,32}$/);
    const { entries, gap, more } = await other.read('a', undefined, ALL);
    const id = `${channelKey('a').tag}~${position}`;
    expect(entries.map(({ frame }) => frame)).toEqual([`event: t\nid: ${id}\ndata: one\n\n`]);
    expect(entries.map((entry) => [entry.position, entry.id, entry.type])).toEqual([[position, id, 't']]);
    expect([gap, more]).toEqual([false, false]);
  });

  test('what follows a position is read from there, as far as the limit says', async ({ log }) => {
    const positions = await log.append('a', records('1', '2', '3', '4'));
    const after = positions[0];
    expect(texts(await log.read('a', after, ALL))).toEqual(['2', '3', '4']);
    const slice = await log.read('a', after, { ...ALL, events: 2 });
    expect([texts(slice), slice.more, slice.gap, slice.from]).toEqual([['2', '3'], true, false, after]);
    expect(texts(await log.read('a', after, { ...ALL, bytes: 1 }))).toEqual(['2']);
  });

  test('an end gives no entries, no gap, and the position asked for', async ({ log }) => {
    for (const channel of ['unused', 'used']) {
      if (channel === 'used') await log.append(channel, records('1'));
      const tail = await log.tail(channel);
      const { entries, ...rest } = await log.read(channel, tail, ALL);
      expect([entries.length, rest]).toEqual([0, { from: tail, gap: false, more: false }]);
    }
  });

  test('what is appended after asking for the tail, and nothing else, follows it', async ({ log, other }) => {
    const before = await log.tail('a');
    await log.append('a', records('1'));
    const between = await other.tail('a');
    await log.append('a', records('2'));
    expect(texts(await log.read('a', before, ALL))).toEqual(['1', '2']);
    expect(texts(await other.read('a', between, ALL))).toEqual(['2']);
  });

  test('reading from the oldest of an empty channel gives a position that what comes next follows', async ({
    log,
  }) => {
    const empty = await log.read('a', undefined, ALL);
    expect([empty.entries.length, empty.gap, empty.more]).toEqual([0, false, false]);
    await log.append('a', records('1'));
    expect(texts(await log.read('a', empty.from, ALL))).toEqual(['1']);
  });

  test('channels are apart, whatever their names', async ({ log, other }) => {
    const names = ['__proto__', 'constructor', 'a b', 'A', 'a', '{a}', 'ä☃', 'a:b*?[x]', 'x'.repeat(256)];
    for (const name of names) await log.append(name, records(name));
    for (const name of names) {
      const { entries } = await other.read(name, undefined, ALL);
      expect(entries.map(({ frame }) => frame.includes(`data: ${name}\n`))).toEqual([true]);
    }
  });

  test('every kind of record is read unchanged', async ({ log, other }) => {
    const kinds = [
      toRecord({ a: [1, null, '\u2028'] }, undefined),
      toRecord('two\nlines\r\rand more', undefined),
      toRecord(event({ type: 'x y', retry: 5, comment: 'c\nd', data: '' }), undefined),
      toRecord(event({ comment: 'alone' }), undefined),
      toRecord(event({ id: '~1', data: 'ü \u{1f600}' }), undefined),
    ];
    const positions = await log.append('a', kinds);
    const { entries } = await other.read('a', undefined, ALL);
    const expected = kinds.map((kind, i) => {
      const id = kind.id ?? `${channelKey('a').tag}~${positions[i]}`;
      const frame = `${kind.frame.slice(0, kind.idAt)}id: ${id}\n${kind.frame.slice(kind.idAt)}`;
      return { frame: kind.idAt === -1 ? kind.frame : frame, type: kind.type, payload: kind.payload };
    });
    expect(entries.map(({ frame, type, payload }) => ({ frame, type, payload }))).toEqual(expected);
    expect(entries.map(({ bytes }) => bytes)).toEqual(expected.map(({ frame }) => Buffer.byteLength(frame)));
  });
}
