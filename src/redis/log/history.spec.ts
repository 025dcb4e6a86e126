import { KnownHistory, showLoss } from './history.js';
import { bornAt, formatPosition, isVacancy, parsePosition, vacancy, type EpochPlace } from './place.js';
import { sortableNumber } from '../../log/cursor.js';

const epoch = (us: number, suffix = 'abc') => sortableNumber(us) + suffix;
const place = (began: number, us: number, count: number): EpochPlace => ({ epoch: epoch(began), us, count });
const LIFE = 1000;

describe('a place', () => {
  it('survives formatting and parsing, and its epoch gives the time at which it began', () => {
    const at = { epoch: epoch(1_795_890_000_000_000), us: 1_795_890_000_000_123, count: 1_000_000 };
    expect(parsePosition(formatPosition(at.epoch, at))).toEqual(at);
    expect([bornAt(at.epoch), isVacancy(at)]).toEqual([1_795_890_000_000_000, false]);
  });

  it('of a vacancy sorts before all epochs that begin at its time or later', () => {
    const vacant = vacancy(500);
    const position = formatPosition(vacant.epoch, vacant);
    expect([isVacancy(vacant), bornAt(vacant.epoch)]).toEqual([true, 500]);
    expect(position < formatPosition(epoch(500, '000'), { us: 0, count: 0 })).toBe(true);
    expect(position > formatPosition(epoch(499, 'zzz'), { us: 9e15, count: 9e15 })).toBe(true);
  });

  it.each([
    '',
    'x',
    'a-b',
    'e1-11',
    'e1-1_1',
    'e1-21_1',
    'e1-201_1',
    'e1-11_',
    'E1-11_1',
    'e1-11_zzzzzzzzzzz',
  ])('is not parsed from %p', (text) => expect(parsePosition(text)).toBeUndefined());
});

describe('KnownHistory', () => {
  it('keeps the latest place of the latest epoch, and ignores earlier ones', () => {
    const history = new KnownHistory();
    for (const each of [place(1, 10, 3), place(1, 9, 2), place(2, 11, 1), place(1, 12, 9)])
      history.note('c', each);
    expect(history.end('c')).toEqual(place(2, 11, 1));
  });

  it('keeps an acknowledged place although a later epoch is known, so that the next answer shows the loss', () => {
    const history = new KnownHistory();
    history.note('c', place(200, 200, 1));
    history.acknowledge('c', place(5, 100, 7));
    expect(history.end('c')).toEqual(place(5, 100, 7));
    expect(history.isLostAt('c', place(200, 200, 1), LIFE)).toBe(true);
    expect(history.isLostAt('c', { ...place(200, 200, 1), previous: [place(5, 100, 7)] }, LIFE)).toBe(false);
  });

  it('treats every end of an epoch as a loss if another entry has the acknowledged place', () => {
    const history = new KnownHistory();
    history.note('c', place(5, 101, 7));
    history.acknowledge('c', place(5, 100, 7));
    expect(history.end('c')).toEqual({ ...place(5, 100, 7), lost: true });
    expect(history.isLostAt('c', place(5, 101, 7), LIFE)).toBe(true);
    expect(history.isLostAt('c', place(5, 200, 9), LIFE)).toBe(true);
  });

  it('ignores an acknowledged entry that is older than the newest one', () => {
    const history = new KnownHistory();
    history.note('c', place(5, 101, 8));
    history.acknowledge('c', place(5, 100, 7));
    expect(history.end('c')).toEqual(place(5, 101, 8));
  });

  it.each<[string, boolean, EpochPlace, ...EpochPlace[]]>([
    ['the same end', false, place(5, 100, 7)],
    ['more entries', false, place(5, 101, 8)],
    ['fewer entries', true, place(5, 99, 6)],
    ['another entry in the same place', true, place(5, 101, 7)],
    ['more entries that are older', true, place(5, 99, 8)],
    ['an earlier epoch', true, place(4, 200, 9)],
    ['a later epoch, begun with knowledge of our place', false, place(200, 200, 1), place(5, 100, 7)],
    [
      'a later epoch, begun with knowledge of an entry after ours',
      false,
      place(200, 200, 1),
      place(5, 101, 8),
    ],
    [
      'a later epoch, begun with knowledge of an entry before ours',
      true,
      place(200, 200, 1),
      place(5, 99, 6),
    ],
    [
      'a later epoch, begun with knowledge of another entry in our place',
      true,
      place(200, 1, 1),
      place(5, 99, 7),
    ],
    [
      'a later epoch, begun with knowledge of an older entry after ours',
      true,
      place(200, 1, 1),
      place(5, 99, 8),
    ],
    [
      'a later epoch, begun with knowledge of one after this one and of our place',
      false,
      place(90, 200, 1),
      place(6, 300, 1),
      place(5, 100, 7),
    ],
    [
      'a later epoch, begun with knowledge of one after this one alone',
      false,
      place(200, 200, 1),
      place(6, 1, 1),
    ],
    ['the same, but begun before our entry was published', true, place(90, 200, 1), place(6, 1, 1)],
    ['a later epoch, begun without knowledge of another', true, place(200, 200, 1)],
    ['a later epoch, begun with knowledge of an earlier one', true, place(200, 200, 1), place(4, 300, 9)],
    ['a later epoch, begun after ours can be forgotten', false, place(100 + LIFE + 1, 9000, 1)],
    ['a later epoch, begun at the last moment of ours', true, place(100 + LIFE, 9000, 1)],
  ])('finds for %s that a loss is %p', (_, isLost, end, ...previous) => {
    const history = new KnownHistory();
    history.note('c', place(5, 100, 7));
    expect(history.isLostAt('c', { ...end, previous }, LIFE)).toBe(isLost);
    expect(history.isLostAt('other', { ...end, previous }, LIFE)).toBe(false);
  });

  it('finds no loss if a new epoch follows one that had no entries', () => {
    const history = new KnownHistory();
    history.note('c', place(5, 0, 0));
    expect(history.isLostAt('c', place(200, 200, 1), LIFE)).toBe(false);
  });

  it.each<[boolean, number, number]>([
    [false, 100, 7],
    [true, 101, 7],
    [true, 99, 7],
    [false, 100, 6],
    [false, 99, 6],
    [true, 101, 6],
    [false, 100, 8],
    [false, 101, 8],
    [true, 99, 8],
  ])('showLoss() is %p for an entry at %p microseconds with the count %p', (isLost, us, count) => {
    const known = place(5, 100, 7);
    expect(showLoss(known, known.epoch, [{ us, count }])).toBe(isLost);
    expect(showLoss(known, known.epoch, [known, { us, count }])).toBe(isLost);
    expect(showLoss(undefined, known.epoch, [{ us, count }])).toBe(false);
  });

  it('treats every end of an epoch as a loss after lose()', () => {
    const history = new KnownHistory();
    history.note('c', place(5, 100, 7));
    history.lose('c', place(5, 100, 7));
    expect(history.isLostAt('c', place(5, 1000, 1000), LIFE)).toBe(true);
    expect(showLoss(history.end('c'), epoch(5), [{ us: 1, count: 1000 }])).toBe(true);
    expect(history.isBeyond('c', formatPosition(epoch(5), { us: 1000, count: 1000 }))).toBe(true);
    // The place stays as it was, because the epoch that begins next has to name it.
    history.note('c', place(5, 200, 9));
    expect(history.end('c')).toEqual({ ...place(5, 100, 7), lost: true });
    history.note('c', place(6, 1000, 8));
    expect(history.end('c')).toEqual(place(6, 1000, 8));
  });

  it('knows that a position has entries after it in the same or a later epoch', () => {
    const history = new KnownHistory();
    history.note('c', place(5, 100, 7));
    const isBeyond = (...[began, us, count]: [number, number, number]) =>
      history.isBeyond('c', formatPosition(epoch(began), { us, count }));
    expect([isBeyond(5, 99, 6), isBeyond(5, 100, 7), isBeyond(5, 101, 8)]).toEqual([true, false, false]);
    expect([isBeyond(4, 99, 60), isBeyond(6, 100, 0)]).toEqual([true, false]);
    expect(history.isBeyond('c', 'x')).toBe(false);
  });

  it('forgets the channel that was updated longest ago, beyond 20,000 channels', () => {
    const history = new KnownHistory();
    for (let i = 0; i < 20_000; i++) history.note(`c${i}`, place(5, 100, 7));
    history.note('c0', place(5, 101, 8));
    history.note('new', place(5, 100, 7));
    expect([history.end('c0')?.count, history.end('c1'), history.end('c2')?.count]).toEqual([
      8,
      undefined,
      7,
    ]);
  });
});
