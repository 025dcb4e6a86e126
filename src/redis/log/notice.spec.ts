import { event } from '../../events/sse-event.js';
import { channelKey, sortableNumber } from '../../log/cursor.js';
import { toRecord } from '../../log/log-record.js';
import { AnnouncedEntries, parseNotice } from './notice.js';
import { formatPosition } from './place.js';
import { encodeHeader } from '../../log/remote/stored-record.js';

const KEY = channelKey('c');
const EPOCH = `${sortableNumber(1_000_000)}abc`;
const ALL = { events: 100, bytes: 100_000 };
const at = (us: number, count: number, epoch = EPOCH) => formatPosition(epoch, { us, count });

/** The notice that the script sends for an append of these values. */
function notice(us: number, first: number, values: readonly unknown[], epoch = EPOCH): string {
  const parts = values.map((value) => {
    const record = toRecord(value, undefined);
    return `${encodeHeader(record)}\n${record.id ?? ''}\n${record.frame}`;
  });
  return `${epoch} ${us} ${first} ${first + values.length - 1}\n${parts.join('')}`;
}
const parsed = (...args: Parameters<typeof notice>) => parseNotice(KEY, notice(...args))!;

describe('parseNotice()', () => {
  it('returns the entries with their positions and own ids', () => {
    const { end, first, entries } = parsed(7, 3, ['a\nb', event({ id: '5', data: 'ü' })]);
    expect([end, first]).toEqual([{ epoch: EPOCH, us: 7, count: 4 }, 3]);
    expect(entries!.map(({ id, position, frame }) => [id, position, frame])).toEqual([
      [`${KEY.tag}~${at(7, 3)}`, at(7, 3), `id: ${KEY.tag}~${at(7, 3)}\ndata: a\ndata: b\n\n`],
      ['5', at(7, 4), 'id: 5\ndata: ü\n\n'],
    ]);
  });

  it('accepts a notice without entries', () => {
    expect(parseNotice(KEY, `${EPOCH} 7 3 4`)).toEqual({
      end: { epoch: EPOCH, us: 7, count: 4 },
      first: 3,
      entries: undefined,
    });
  });

  it.each(['', 'hello', `${EPOCH} x 1 1`, `${EPOCH} 7 5 4`, `${EPOCH} 7 1`, `${EPOCH} 1.5 1 1`])(
    'returns undefined for %p',
    (text) => expect(parseNotice(KEY, text)).toBeUndefined(),
  );

  it('returns no entries for a notice that is cut off, or has an entry of another version', () => {
    const whole = notice(7, 1, ['a', 'b']);
    const one = notice(7, 1, ['a']);
    const header = one.indexOf('\n', one.indexOf('\n') + 1) + 1;
    for (const text of [
      whole.slice(0, -4),
      one.slice(0, header),
      one.slice(0, header - 1),
      whole.replace('[1,', '[2,'),
      `${EPOCH} 7 1 2\n`,
    ]) {
      expect(parseNotice(KEY, text)).toMatchObject({ first: 1, entries: undefined });
    }
  });
});

describe('AnnouncedEntries', () => {
  function announced(): AnnouncedEntries {
    const made = new AnnouncedEntries(EPOCH, 3);
    expect([made.add(parsed(7, 3, ['a', 'b'])), made.add(parsed(9, 5, ['c']))]).toEqual([true, true]);
    return made;
  }
  const frames = (after: string, limit = ALL) =>
    announced()
      .read(after, limit)
      ?.entries.map(({ frame }) => /data: (.*)/.exec(frame)?.[1]);

  it('add only notices that follow without a hole, in the same epoch, with their entries', () => {
    const made = announced();
    expect(made.add(parsed(10, 7, ['e']))).toBe(false);
    expect(made.add(parsed(10, 5, ['c']))).toBe(false);
    expect(made.add(parsed(10, 6, ['d'], `${sortableNumber(1_000_001)}abc`))).toBe(false);
    expect(made.add(parseNotice(KEY, `${EPOCH} 10 6 6`)!)).toBe(false);
    expect(made.add(parsed(10, 6, ['d']))).toBe(true);
  });

  it('return the entries after a position among them, or the position directly before', () => {
    expect(frames(at(1, 2))).toEqual(['a', 'b', 'c']);
    expect(frames(at(7, 3))).toEqual(['b', 'c']);
    expect(frames(at(7, 4))).toEqual(['c']);
  });

  it('return undefined at their end, and for an earlier position, another epoch or another history', () => {
    expect(frames(at(9, 5))).toBeUndefined();
    expect(frames(at(1, 1))).toBeUndefined();
    const other = `${sortableNumber(999_999)}abc`;
    expect([frames(at(7, 3, other)), frames(at(1, 2, other))]).toEqual([undefined, undefined]);
    // Another entry with the same count.
    expect(frames(at(8, 3))).toBeUndefined();
    expect(frames('x')).toBeUndefined();
  });

  it('respect the limit, and report whether there are more', () => {
    const slice = announced().read(at(1, 2), { ...ALL, events: 2 });
    expect([slice?.entries.length, slice?.more, slice?.gap, slice?.from]).toEqual([2, true, false, at(1, 2)]);
    expect(announced().read(at(1, 2), { ...ALL, bytes: 1 })?.entries.length).toBe(1);
    expect(announced().read(at(1, 2), { ...ALL, events: 3 })?.more).toBe(false);
  });
});
