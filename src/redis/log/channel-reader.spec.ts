import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { sortableNumber } from '../../log/cursor.js';
import { toRecord } from '../../log/log-record.js';
import { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import { ChannelReader } from './channel-reader.js';
import { ChannelState } from './channel-state.js';
import { KnownHistory } from './history.js';
import { formatPosition } from './place.js';
import { resolveRedisLogOptions } from './redis-log.options.js';
import { encodeHeader } from '../../log/remote/stored-record.js';
import type { RawEntry } from './stream-entry.js';

const ALL = { events: 1000, bytes: 1_000_000 };
const EPOCHS = [1000, 2000, 3000].map((us) => `${sortableNumber(us)}abc`) as [string, string, string];
const raw = (us: number, count: number): RawEntry => {
  const record = toRecord(`e${count}`, undefined);
  return [`${us}-${count}`, ['c', '1', 'h', encodeHeader(record), 'f', record.frame]];
};
const at = (epoch: string, us: number, count: number) => formatPosition(epoch, { us, count });

/** One answer with the three results of a read: the end, the entries, and the epoch after both. */
type Answer = readonly [end: readonly (string | null)[], entries: readonly RawEntry[], epoch: string | null];
const end = (epoch: string, us: number, count: number, previous = '') => [
  epoch,
  `${us}`,
  `${count}`,
  previous,
];

/** A reader with a scripted Redis: one answer for each read. */
function reading(...answers: Answer[]) {
  const asked: (readonly string[])[][] = [];
  const link = {
    inOrder: async (_key: string, commands: (readonly string[])[]) => {
      asked.push(commands);
      return answers[asked.length - 1] ?? answers.at(-1);
    },
    send: async (_key: string, [name]: readonly string[]) => (name === 'XRANGE' ? [] : end(EPOCHS[2], 12, 3)),
  } as unknown as RedisLink;
  const keys = new RedisKeys('sse:');
  const settings = resolveRedisLogOptions({ client: 'redis://localhost', clock: new ManualClock() });
  const history = new KnownHistory();
  const state = new ChannelState(link, keys, settings, history);
  return { asked, history, reader: new ChannelReader(link, keys, state, history) };
}

describe('ChannelReader', () => {
  it('reads again if a new epoch began between reading the end and reading the entries', async () => {
    const { reader, asked } = reading(
      [end(EPOCHS[0], 10, 1), [raw(20, 1), raw(21, 2)], EPOCHS[1]],
      [end(EPOCHS[1], 21, 2, `${EPOCHS[0]} 10-1`), [raw(20, 1), raw(21, 2)], EPOCHS[1]],
    );
    const slice = await reader.read('c', undefined, ALL);
    expect(asked.length).toBe(2);
    expect(slice.entries.map(({ position }) => position)).toEqual([
      at(EPOCHS[1], 20, 1),
      at(EPOCHS[1], 21, 2),
    ]);
  });

  it('returns entries that were appended after the end was read', async () => {
    const { reader, asked } = reading([end(EPOCHS[0], 10, 1), [raw(10, 1), raw(11, 2)], EPOCHS[0]]);
    const slice = await reader.read('c', undefined, ALL);
    expect([asked.length, slice.entries.length, slice.more, slice.gap]).toEqual([1, 2, false, false]);
  });

  it('reports a gap after a position of another epoch, and returns the oldest entries', async () => {
    // The counts alone would show no gap.
    const { reader } = reading(
      [end(EPOCHS[1], 21, 4), [raw(21, 4)], EPOCHS[1]],
      [end(EPOCHS[1], 21, 4), [raw(20, 3), raw(21, 4)], EPOCHS[1]],
    );
    const slice = await reader.read('c', at(EPOCHS[0], 20, 3), ALL);
    expect([slice.gap, slice.from, slice.entries.length]).toEqual([true, at(EPOCHS[1], 20, 2), 2]);
  });

  it('begins a new epoch if another entry has the place of a known one', async () => {
    const { reader, history, asked } = reading(
      [end(EPOCHS[0], 12, 3), [raw(11, 2), raw(12, 3)], EPOCHS[0]],
      [end(EPOCHS[2], 12, 3, `${EPOCHS[0]} 10-2`), [raw(11, 2), raw(12, 3)], EPOCHS[2]],
      [end(EPOCHS[2], 12, 3, `${EPOCHS[0]} 10-2`), [raw(11, 2), raw(12, 3)], EPOCHS[2]],
    );
    history.note('c', { epoch: EPOCHS[0], us: 10, count: 2 });
    const slice = await reader.read('c', at(EPOCHS[0], 9, 1), ALL);
    expect([slice.gap, slice.from.startsWith(EPOCHS[2]), asked.length > 1]).toEqual([true, true, true]);
  });

  it('reports a gap at a hole in the middle, and continues after it', async () => {
    const answer: Answer = [end(EPOCHS[0], 12, 4), [raw(12, 4)], EPOCHS[0]];
    const { reader } = reading(answer, answer);
    const slice = await reader.read('c', at(EPOCHS[0], 10, 2), ALL);
    expect([slice.gap, slice.from]).toEqual([true, at(EPOCHS[0], 12, 3)]);
  });
});
