import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { turns } from '../../../test/fixtures/nodes.js';
import { sortableNumber } from '../../log/cursor.js';
import { toRecord } from '../../log/log-record.js';
import { RedisKeys } from '../link/redis-keys.js';
import type { RedisLink } from '../link/redis-link.js';
import { ChannelState } from './channel-state.js';
import { KnownHistory } from './history.js';
import { formatPosition } from './place.js';
import { Publisher } from './publisher.js';
import { resolveRedisLogOptions, type RedisLogOptions } from './redis-log.options.js';

const EPOCH = `${sortableNumber(1000)}abc`;
const at = (us: number, count: number) => formatPosition(EPOCH, { us, count });
/** The index of the batch number in a command: after EVALSHA, the hash, the keys and ten arguments. */
const BATCH = 6 + 11;

interface Sent {
  readonly command: readonly string[];
  answer(value: unknown): void;
  fail(error: unknown): void;
}

/** A publisher with a fake Redis, which answers when the test says so. */
function publishing(options: Partial<RedisLogOptions> = {}) {
  const clock = new ManualClock();
  const sent: Sent[] = [];
  const link = {
    up: true,
    error: undefined as unknown,
    publishCommand: 'PUBLISH',
    send: (_key: string, command: readonly string[]) =>
      new Promise((answer, fail) => sent.push({ command, answer, fail })),
  };
  const settings = resolveRedisLogOptions({ client: 'redis://localhost', clock, ...options });
  const keys = new RedisKeys('sse:');
  const history = new KnownHistory();
  const problems: string[] = [];
  const real = link as unknown as RedisLink;
  const publisher = new Publisher(
    real,
    keys,
    settings,
    new ChannelState(real, keys, settings, history),
    history,
    (channel, problem) => problems.push(`${channel}: ${problem}`),
  );
  const append = (...values: unknown[]) =>
    publisher.append(
      'c',
      values.map((value) => toRecord(value, undefined)),
    );
  /** The outcome of an append: positions, or the code and the relevant part of the message. */
  const outcome = async (call: Promise<readonly string[]>) => {
    try {
      return await call;
    } catch (error) {
      const { code, message } = error as { code?: string; message: string };
      return [code, /It (was not|may have been) published|was not published/.exec(message)?.[0] ?? message];
    }
  };
  return { clock, sent, link, publisher, history, problems, append, outcome };
}
const answer = (us: number, ...groups: unknown[]) => JSON.stringify([EPOCH, us, groups]);
const refused = (text: string) => new Error(text);

/** The number of events of each append in a command. */
function groupsOf(command: readonly string[]): number[] {
  const sizes: number[] = [];
  // After the batch number come three arguments, and then each group: its size, and four arguments for each event.
  for (let i = BATCH + 4; i < command.length; i += 1 + 4 * Number(command[i])) sizes.push(Number(command[i]));
  return sizes;
}

describe('Publisher', () => {
  it('sends one batch at a time; appends that are called meanwhile form the next, with a higher number', async () => {
    const { append, sent, history } = publishing();
    const calls = [append('a'), append('b'), append('c', 'd')];
    await turns(3);
    expect(sent.length).toBe(1);
    sent[0]!.answer(answer(7, 1));
    await turns(3);
    expect(sent.length).toBe(2);
    sent[1]!.answer(answer(9, 2, 3));
    expect(await Promise.all(calls)).toEqual([[at(7, 1)], [at(9, 2)], [at(9, 3), at(9, 4)]]);
    expect(history.end('c')).toEqual({ epoch: EPOCH, us: 9, count: 4 });
    expect(Number(sent[1]!.command[BATCH])).toBeGreaterThan(Number(sent[0]!.command[BATCH]));
  });

  it('sends the same batch again after a lost answer, without appends that were called meanwhile', async () => {
    const { append, sent, clock } = publishing();
    const first = append('a');
    await turns(3);
    const second = append('b');
    sent[0]!.fail(new Error('Socket closed'));
    await turns(3);
    clock.advance(100);
    await turns(3);
    expect(sent[1]!.command.slice(BATCH)).toEqual(sent[0]!.command.slice(BATCH));
    sent[1]!.answer(answer(7, 1));
    await turns(3);
    sent[2]!.answer(answer(8, 2));
    expect(await Promise.all([first, second])).toEqual([[at(7, 1)], [at(8, 2)]]);
  });

  it('keeps timed-out appends in a batch whose outcome is unknown, and reports that they may have been published', async () => {
    const { append, sent, clock, link, publisher, outcome } = publishing({ waitMs: 1000 });
    const early = outcome(append('a'));
    clock.advance(600);
    const late = outcome(append('b'));
    await turns(3);
    sent[0]!.answer(answer(7, 1));
    await turns(3);
    const [third, fourth] = [outcome(append('c')), outcome(append('d'))];
    link.up = false;
    sent[1]!.fail(new Error('Socket closed'));
    await turns(3);
    clock.advance(400);
    await turns(3);
    clock.advance(600);
    expect(await Promise.all([early, late, third, fourth])).toEqual([
      [at(7, 1)],
      ['SSE_LOG_UNAVAILABLE', 'It may have been published'],
      ['SSE_LOG_UNAVAILABLE', 'It was not published'],
      ['SSE_LOG_UNAVAILABLE', 'It was not published'],
    ]);
    link.up = true;
    publisher.resume();
    await turns(3);
    expect(sent.length).toBe(2);
  });

  it.each<[what: string, sleep: (clock: ManualClock) => void]>([
    ['process', (clock) => clock.suspend(31_100)],
    ['machine', (clock) => clock.setWallClock(31_100)],
  ])(
    'sends no batch again whose receipt may have expired while this %s was suspended',
    async (_what, sleep) => {
      const { append, sent, clock, outcome } = publishing({ waitMs: 1000 });
      const calls = [outcome(append('a')), outcome(append('b'))];
      await turns(3);
      sent[0]!.fail(new Error('Socket closed'));
      await turns(3);
      sleep(clock);
      clock.advance(500);
      await turns(3);
      expect(await calls[0]).toEqual(['SSE_LOG_UNAVAILABLE', 'It may have been published']);
      // The next batch was not sent before, so it is sent.
      expect(sent.slice(1).map(({ command }) => command.filter((each) => each.startsWith('data: ')))).toEqual(
        [['data: b\n\n']],
      );
      sent[1]!.answer(answer(9, 1));
      expect(await calls[1]).toEqual([at(9, 1)]);
    },
  );

  it('leaves out appends that timed out while Redis refused the batch', async () => {
    const { append, sent, clock, outcome } = publishing({ waitMs: 1000 });
    const early = outcome(append('a'));
    await turns(3);
    sent[0]!.fail(refused('OOM command not allowed'));
    await turns(3);
    clock.advance(990);
    await turns(3);
    const late = append('b');
    sent[1]!.fail(refused('OOM command not allowed'));
    await turns(3);
    // Before the next attempt.
    clock.advance(10);
    expect(await early).toEqual(['SSE_LOG_UNAVAILABLE', 'It was not published']);
    await turns(3);
    clock.advance(200);
    await turns(3);
    const last = sent.at(-1)!;
    expect(last.command.filter((each) => each.startsWith('data: '))).toEqual(['data: b\n\n']);
    last.answer(answer(7, 1));
    expect(await late).toEqual([at(7, 1)]);
  });

  it.each([
    ['refused', 'OOM command not allowed', 'It was not published', ['b']],
    ['possibly in the log', 'Socket closed', 'It may have been published', ['a', 'b']],
  ])(
    'times out one append of a batch that is %s, and sends the right rest',
    async (_, failure, says, rest) => {
      const { append, sent, clock, outcome } = publishing({ waitMs: 1000 });
      const first = append('x');
      await turns(3);
      const early = outcome(append('a'));
      clock.advance(600);
      const late = append('b');
      sent[0]!.answer(answer(6, 1));
      await first;
      await turns(3);
      clock.advance(390);
      sent[1]!.fail(new Error(failure));
      await turns(3);
      clock.advance(10);
      expect(await early).toEqual(['SSE_LOG_UNAVAILABLE', says]);
      clock.advance(100);
      await turns(3);
      const frames = sent[2]!.command.filter((each) => each.startsWith('data: '));
      expect(frames).toEqual(rest.map((text) => `data: ${text}\n\n`));
      expect(sent[2]!.command[BATCH]).toBe(sent[1]!.command[BATCH]);
      sent[2]!.answer(answer(7, ...rest.map((_, i) => i + 2)));
      expect(await late).toEqual([at(7, 1 + rest.length)]);
    },
  );

  it('keeps no appends in memory that timed out behind a batch that is under way', async () => {
    const { append, clock, outcome, publisher } = publishing({ waitMs: 1000 });
    const calls = [outcome(append('under way'))];
    await turns(3);
    for (let i = 0; i < 20; i++) calls.push(outcome(append('waits')));
    clock.advance(1000);
    await Promise.all(calls);
    const { writers } = publisher as unknown as { writers: Map<string, { queue: readonly unknown[] }> };
    expect(writers.get('c')?.queue).toEqual([]);
  });

  it('sends at most 1000 events at a time, and no further append after 1 MiB', async () => {
    const { append, sent } = publishing();
    /** The number of events in each batch that is sent for these appends. */
    const batches = async (appends: readonly unknown[][]) => {
      const from = sent.length;
      // While it is under way, the others wait for the next batch.
      const calls = [append('first'), ...appends.map(async (values) => append(...values))];
      const sizes: number[] = [];
      for (await turns(3); sent.length > from + sizes.length; await turns(3)) {
        const groups = groupsOf(sent.at(-1)!.command);
        sizes.push(groups.reduce((sum, size) => sum + size, 0));
        sent.at(-1)!.answer(answer(sent.length, ...groups.map((_, i) => i + 1)));
      }
      await Promise.all(calls);
      return sizes.slice(1);
    };
    const mebibyte = 'x'.repeat(1_048_576);
    expect(await batches(Array.from({ length: 5 }, () => [mebibyte]))).toEqual([1, 1, 1, 1, 1]);
    const half = 'x'.repeat(524_288);
    expect(await batches(Array.from({ length: 4 }, () => [half]))).toEqual([2, 2]);
    expect(await batches(Array.from({ length: 1500 }, (_, i) => [i]))).toEqual([1000, 500]);
  });

  it('rejects everything that waits when it is closed, and leaves no timer', async () => {
    const { append, outcome, publisher, clock } = publishing();
    const calls = [outcome(append('under way'))];
    await turns(3);
    calls.push(outcome(append('waits')));
    publisher.close();
    const closed = ['SSE_LOG_UNAVAILABLE', expect.stringMatching(/^The event log was closed\./) as string];
    expect(await Promise.all(calls)).toEqual([closed, closed]);
    expect(clock.size).toBe(0);
  });

  it('rejects with a permanent error, and continues with the next batch', async () => {
    const { append, sent, outcome } = publishing();
    const first = outcome(append('a'));
    await turns(3);
    const second = append('b');
    sent[0]!.fail(refused('WRONGTYPE Operation against a key'));
    expect(await first).toEqual([undefined, 'WRONGTYPE Operation against a key']);
    await turns(3);
    sent[1]!.answer(answer(7, 1));
    expect(await second).toEqual([at(7, 1)]);
  });

  it('rejects only the append whose own id is out of order', async () => {
    const { append, sent, outcome } = publishing();
    const calls = [append('x'), append('a'), append('b')];
    await turns(3);
    sent[0]!.answer(answer(6, 1));
    await turns(3);
    sent[1]!.answer(answer(7, ['3', '5'], 2));
    expect(await Promise.all(calls.map(outcome))).toEqual([
      [at(6, 1)],
      ['SSE_ID_ORDER', expect.stringContaining('The id "3" does not come after "5"') as string],
      [at(7, 2)],
    ]);
  });

  it('resolves if Redis added the entries but refused a later command, and reports that error', async () => {
    const { append, sent, problems } = publishing();
    const call = append('a');
    await turns(3);
    sent[0]!.answer(JSON.stringify([EPOCH, 7, [1], 'NOPERM no permission to publish']));
    expect(await call).toEqual([at(7, 1)]);
    expect(problems).toEqual(['c: NOPERM no permission to publish']);
  });

  it('rejects appends beyond maxPendingBytes, and accepts them again after an answer', async () => {
    const { append, sent, outcome, link, clock } = publishing({ maxPendingBytes: 1000 });
    const big = 'x'.repeat(2000);
    const first = append(big);
    const error = await append('y').catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringMatching(
        /^Too many events wait for Redis: 2\d{3} bytes, the limit is 1000\..*not published/,
      ) as string,
      context: { channel: 'c', maxPendingBytes: 1000 },
    });
    await turns(3);
    sent[0]!.answer(answer(7, 1));
    await first;
    await turns(3);
    link.up = false;
    const calls = Array.from({ length: 10 }, () => outcome(append('z')));
    clock.advance(5000);
    const outcomes = await Promise.all(calls);
    // 264 bytes each: three fit, and later ones find the queue full until those time out.
    expect(outcomes.filter(([, text]) => text === 'It was not published').length).toBe(3);
    expect(outcomes.filter(([, text]) => text === 'was not published').length).toBe(7);
    link.up = true;
    const after = append('w');
    await turns(3);
    sent.at(-1)!.answer(answer(8, 2));
    expect(await after).toEqual([at(8, 2)]);
  });
});
