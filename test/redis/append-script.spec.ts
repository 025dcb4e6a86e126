import { createClient, type RedisClientType } from '@redis/client';
import { toRecord } from '../../src/log/log-record.js';
import {
  APPEND_SCRIPT,
  appendArgv,
  type AppendAnswer,
  type AppendArguments,
} from '../../src/redis/log/append.script.js';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

const DEFAULTS: Omit<AppendArguments, 'notice'> = {
  epoch: ['abc', '', '0-0', ''],
  maxEvents: 1000,
  maxBytes: 0,
  maxAgeMs: 0,
  exact: true,
  logLifeMs: 60_000,
  metaLifeMs: 60_000,
  receiptLifeMs: 60_000,
  batch: 1,
  publishCommand: 'PUBLISH',
  noticeBytes: 1000,
};

await describeRedis('the script that appends', (url) => {
  const prefix = testPrefix();
  let admin: RedisClientType;
  let names: { log: string; meta: string; receipt: string; notice: string };
  let tests = 0;

  beforeAll(async () => {
    admin = createClient({ url });
    await admin.connect();
  });
  beforeEach(() => {
    const name = `${prefix}{${tests++}}`;
    names = { log: `${name}:log`, meta: `${name}:meta`, receipt: `${name}:sent:w`, notice: name };
  });
  afterAll(async () => {
    admin.destroy();
    await removeKeys(url, prefix);
  });

  async function append(
    args: Partial<AppendArguments>,
    values: readonly unknown[],
    client: RedisClientType = admin,
  ): Promise<AppendAnswer> {
    const argv = appendArgv({ ...DEFAULTS, notice: names.notice, ...args }, [
      values.map((value) => toRecord(value, undefined)),
    ]);
    const keys = [names.log, names.meta, names.receipt];
    const answer = await client.sendCommand(['EVAL', APPEND_SCRIPT.source, '3', ...keys, ...argv]);
    return JSON.parse(answer as unknown as string) as AppendAnswer;
  }
  const frames = async () =>
    ((await admin.xRange(names.log, '-', '+')) ?? []).map(({ message }) => message['f']);

  it('returns the same answer for a repeated batch, and adds nothing', async () => {
    const first = await append({ batch: 7 }, ['a', 'b']);
    expect(await append({ batch: 7 }, ['a', 'b'])).toEqual(first);
    expect(await frames()).toEqual(['data: a\n\n', 'data: b\n\n']);
  });

  it('returns the same answer for a repeated batch, also if the log keeps fewer events than the batch had', async () => {
    const first = await append({ batch: 7, maxEvents: 2 }, ['a', 'b', 'c', 'd', 'e']);
    expect(await append({ batch: 7, maxEvents: 2 }, ['a', 'b', 'c', 'd', 'e'])).toEqual(first);
    expect(await frames()).toEqual(['data: d\n\n', 'data: e\n\n']);
  });

  it('rejects a batch that arrives after a later one of the same writer', async () => {
    await append({ batch: 5 }, ['later']);
    await expect(append({ batch: 4 }, ['late'])).rejects.toThrow('STALEBATCH');
    expect(await frames()).toEqual(['data: later\n\n']);
    await append({ batch: 6 }, ['next']);
    expect(await frames()).toEqual(['data: later\n\n', 'data: next\n\n']);
  });

  it('continues from the newest entry if the clock of Redis is set back', async () => {
    const [, , first] = await append({ batch: 1 }, ['a']);
    const ahead = `${(Date.now() + 3_600_000) * 1000}`;
    await admin.hSet(names.meta, 't', ahead);
    const [, us, second] = await append({ batch: 2 }, ['b']);
    expect([first, String(us), second]).toEqual([[1], ahead, [2]]);
    const ids = ((await admin.xRange(names.log, '-', '+')) ?? []).map(({ id }) => id);
    expect(ids[1]).toBe(`${ahead}-2`);
    const [, third] = await append({ batch: 3 }, ['c']);
    expect(String(third)).toBe(ahead);
  });

  it('begins an epoch that sorts after the known one, also if the clock of Redis is set back', async () => {
    const known = `b${(Date.now() * 1000 * 4).toString(36).padStart(11, '0')}xyz`;
    const [epoch] = await append({ epoch: ['abc', known, '5-5', ''] }, ['a']);
    expect(epoch > known).toBe(true);
    expect(await admin.hGet(names.meta, 'k')).toBe(`${known} 5-5`);
  });

  it('stays in an epoch that another process has begun after the known one', async () => {
    const [epoch] = await append({ batch: 1 }, ['a']);
    const [same, , counts] = await append({ batch: 2, epoch: ['abc', 'a0000000001abc', '5-5', ''] }, ['b']);
    expect([same, counts]).toEqual([epoch, [2]]);
  });

  it.each([
    ['a known entry is not there, and nothing came after it', (us: number) => `${us}-3`],
    ['a later entry is in the place of the known one', (us: number) => `${us - 1}-2`],
    ['an earlier entry is in the place of the known one', (us: number) => `${us + 1}-2`],
    ['the known entry is later than the newest one', (us: number) => `${us + 1}-1`],
  ])('begins a new epoch if %s', async (_, known) => {
    const [epoch, us] = await append({ batch: 1 }, ['a', 'b']);
    const [next, , counts] = await append({ batch: 2, epoch: ['abc', epoch, known(us), ''] }, ['c']);
    expect([next > epoch, counts]).toEqual([true, [3]]);
  });

  it('begins a new epoch if a known entry is missing, also if nothing else is', async () => {
    const [epoch, us] = await append({ batch: 1 }, ['a', 'b']);
    await admin.del(names.log);
    const [next] = await append({ batch: 2, epoch: ['abc', epoch, `${us}-3`, ''] }, ['c']);
    expect(next > epoch).toBe(true);
  });

  it('begins a new epoch if a known entry is later than the newest one, also if its place was evicted', async () => {
    const [epoch, us] = await append({ batch: 1, maxEvents: 1 }, ['a', 'b', 'c']);
    const [next] = await append({ batch: 2, epoch: ['abc', epoch, `${us + 1}-1`, ''] }, ['d']);
    expect(next > epoch).toBe(true);
  });

  it('begins an epoch after a later one that the caller knows of, also if that has no entries', async () => {
    const [epoch] = await append({ batch: 1 }, ['a']);
    const known = `b${(Date.now() * 1000 * 4).toString(36).padStart(11, '0')}xyz`;
    const [next] = await append({ batch: 2, epoch: ['abc', known, '0-0', ''] }, ['b']);
    expect([known > epoch, next > known]).toEqual([true, true]);
  });

  it('begins a new epoch if the current one was begun without knowing the known one, and not later', async () => {
    const [epoch, us] = await append({ batch: 1 }, ['a']);
    const known = `a${(us - 60_000_000).toString(36)}xyz`;
    const args = { batch: 2, epoch: ['abc', known, `${us - 30_000_000}-4`, ''] as const };
    const [same, second] = await append({ ...args, metaLifeMs: 20_000 }, ['b']);
    expect(same).toBe(epoch);
    const [next] = await append({ ...args, batch: 3 }, ['c']);
    const previous = `${epoch} ${second}-2 ${known} ${us - 30_000_000}-4`;
    expect([next > epoch, await admin.hGet(names.meta, 'k')]).toEqual([true, previous]);
    const [again] = await append({ ...args, batch: 4 }, ['d']);
    expect(again).toBe(next);
  });

  describe('in an epoch that another process began after a loss', () => {
    const later = async (us: number, count: number, lost: '1' | '' = '') => {
      const [epoch, time] = await append({ batch: 1 }, ['a', 'b']);
      const known = [epoch, `${time + us}-${count}`] as const;
      const [next] = await append({ batch: 2, epoch: ['abc', ...known, lost] }, ['c']);
      expect(next > epoch).toBe(true);
      return { epoch, time, next };
    };

    it.each<[string, boolean, number, number]>([
      ['the same one', false, 5, 7],
      ['one before it', false, 5, 6],
      ['one before it that is older', false, 4, 6],
      ['one after it', true, 6, 8],
      ['another one with its count', true, 4, 7],
      ['one before it that is newer', true, 6, 6],
      ['one that is still in the log', false, 0, 2],
    ])('a process that knows %s begins a new epoch: %p', async (_, isNew, us, count) => {
      const { epoch, time, next } = await later(5, 7);
      const [own] = await append({ batch: 3, epoch: ['abc', epoch, `${time + us}-${count}`, ''] }, ['d']);
      expect(own > next).toBe(isNew);
      const [again] = await append({ batch: 4, epoch: ['abc', epoch, `${time + us}-${count}`, ''] }, ['e']);
      expect(again).toBe(own);
    });

    it('compares with the known place, not with the end in Redis, if both are of the same epoch', async () => {
      const { epoch, time, next } = await later(-1, 1, '1');
      const known = `${time - 1}-2`;
      const [own] = await append({ batch: 3, epoch: ['abc', epoch, known, ''] }, ['d']);
      expect(own > next).toBe(true);
      expect(await admin.hGet(names.meta, 'k')).toContain(`${epoch} ${known}`);
    });

    it('remembers the latest eight epochs, each with its latest place', async () => {
      let batch = 1;
      const epochs: string[] = [];
      for (let i = 0; i < 10; i++) {
        const [last = '', us = 0] = epochs.length > 0 ? [epochs.at(-1), Date.now() * 1000 + 60_000_000] : [];
        const [epoch] = await append({ batch: batch++, epoch: ['abc', last, `${us}-100`, ''] }, ['a']);
        epochs.push(epoch);
      }
      const places = ((await admin.hGet(names.meta, 'k')) ?? '').split(' ');
      expect(places.filter((_, i) => i % 2 === 0)).toEqual(epochs.slice(1, 9).toReversed());
      expect(places.filter((_, i) => i % 2 === 1).every((id) => id.endsWith('-100'))).toBe(true);
      // An epoch that is not remembered is compared by time.
      const known = (us: number) => ['abc', epochs[0]!, `${us}-200`, ''] as const;
      expect((await append({ batch: batch++, epoch: known(1) }, ['b']))[0]).toBe(epochs[9]);
      const [next] = await append({ batch: batch++, epoch: known(Date.now() * 1000 + 60_000_000) }, ['c']);
      expect(next > epochs[9]!).toBe(true);
    });
  });

  it('begins a new epoch if a known entry is missing in the middle, but not if it was evicted', async () => {
    const [epoch, us] = await append({ batch: 1 }, ['a', 'b', 'c']);
    await admin.xDel(names.log, `${us}-2`);
    const [other] = await append({ batch: 2, epoch: ['abc', epoch, `${us}-2`, ''] }, ['d']);
    expect(other > epoch).toBe(true);
    await admin.xTrim(names.log, 'MAXLEN', 1);
    const [same] = await append({ batch: 3, epoch: ['abc', other, `${us}-3`, ''] }, ['e']);
    expect(same).toBe(other);
  });

  describe('a user with restricted permissions', () => {
    const user = `sse-test-${process.pid}`;
    let client: RedisClientType;
    const login = async (...rights: string[]) => {
      await admin.sendCommand(['ACL', 'SETUSER', user, 'reset', 'on', '>pw', '~*', '&*', '+@all', ...rights]);
      client = createClient({ url, username: user, password: 'pw' });
      await client.connect();
    };
    afterEach(async () => {
      client.destroy();
      await admin.sendCommand(['ACL', 'DELUSER', user]);
    });

    it.each([
      ['publish', ['-publish']],
      ['publish to this channel', ['resetchannels', '&other:*']],
      ['expire keys', ['-pexpire']],
      ['trim', ['-xtrim']],
      ['write receipts', ['-set']],
    ])(
      'that may not %s: the entries are added, and the answer says which command was denied',
      async (_, rights) => {
        await login(...rights);
        const bounds = { maxAgeMs: 60_000, maxBytes: 20 };
        const [, , counts, problem] = await append(bounds, ['aaaaaaaaaa', 'bbbbbbbbbb'], client);
        expect([counts, problem]).toEqual([[1], expect.stringMatching(/permission|NOPERM|can't/) as string]);
        expect((await frames()).length).toBeGreaterThan(0);
        expect(await admin.hGet(names.meta, 'n')).toBe('2');
      },
    );

    it.each([
      ['append', ['-xadd']],
      ['remember', ['-hset']],
      ['read receipts', ['-get']],
    ])('that may not %s: it fails, and nothing is added', async (_, rights) => {
      await login(...rights);
      await expect(append({}, ['a'], client)).rejects.toThrow();
      expect(await frames()).toEqual([]);
    });
  });
});
