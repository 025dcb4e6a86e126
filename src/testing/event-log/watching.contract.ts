import {
  ALL,
  News,
  codeOf,
  follow,
  numbers,
  publishAll,
  records,
  type Expect,
  type Test,
} from './contract-kit.js';

/** Which listeners are called for an append, and that none misses one. */
export function describeWatching(test: Test, expect: Expect): void {
  test('a listener is called for appends to its own channels only, from any node', async ({ log, other }) => {
    const told = new News();
    const unwatch = log.watch(['a', 'b'], told.listener);
    await other.append('c', records('1'));
    await other.append('b', records('1'));
    await told.of('b');
    await log.append('a', records('1'));
    await told.of('a');
    expect(told.channels.has('c')).toBe(false);
    unwatch();
  });

  test('a removed listener is not called again, and the others still are', async ({ log }) => {
    const first = new News();
    const second = new News();
    const unwatch = log.watch(['a'], first.listener);
    const unwatchSecond = log.watch(['a'], second.listener);
    await log.append('a', records('1'));
    await Promise.all([first.of('a'), second.of('a')]);
    unwatch();
    unwatch();
    const { calls } = first;
    second.channels.clear();
    await log.append('a', records('2'));
    await second.of('a');
    expect(first.calls).toBe(calls);
    unwatchSecond();
  });

  test('a reader that reads when notified gets each event once, in order, while others publish', async ({
    log,
    other,
  }) => {
    const readers = [log, other, log].map(async (node, i) => follow(node, 'a', 400, undefined, i * 5 + 1));
    await publishAll([log, other], 'a', 400);
    const [first = [], ...others] = await Promise.all(readers);
    expect([...first].sort()).toEqual(numbers(0, 400).sort());
    for (const read of others) expect(read).toEqual(first);
    const ofNode = first.map(Number).filter((n) => n % 2 === 0);
    expect(ofNode).toEqual([...ofNode].sort((a, b) => a - b));
  });

  test('replay and what is published meanwhile are one sequence', async ({ log, other }) => {
    await log.append('a', records(...numbers(0, 300)));
    const slow = follow(log, 'a', 500, undefined, 3);
    for (let i = 300; i < 500; i += 4) await other.append('a', records(...numbers(i, 4)));
    expect(await slow).toEqual(numbers(0, 500));
  });

  test('what is appended while a watch begins is not missed', async ({ log, other }) => {
    for (let round = 0; round < 10; round++) {
      const channel = `c${round}`;
      const appended = Promise.resolve(other.append(channel, records('1')));
      expect(await follow(log, channel, 1, undefined, 10)).toEqual(['1']);
      await appended;
    }
  });
}

/** The behavior of a closed log. */
export function describeClosing(test: Test, expect: Expect): void {
  test('an open log is up; a closed one is down, fails with SSE_LOG_UNAVAILABLE, and can be closed again', async ({
    log,
  }) => {
    expect(log.health().status).toBe('up');
    await log.append('a', records('1'));
    await log.close();
    await log.close();
    expect(log.health().status).toBe('down');
    for (const call of [
      async () => log.append('a', records('2')),
      async () => log.read('a', undefined, ALL),
      async () => log.tail('a'),
      async () => log.locate('a', '1'),
    ]) {
      expect(await codeOf(call)).toBe('SSE_LOG_UNAVAILABLE');
    }
  });
}
