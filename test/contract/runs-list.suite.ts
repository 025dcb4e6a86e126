import { setTimeout as sleep } from 'node:timers/promises';
import { Channels, Runs, type EventLog, type RunsOptions } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Hand } from '../fixtures/run-viewer.js';
import { DelayedLog } from './delayed-log.js';

/** One process, whose connection to the log can be cut. */
interface ListNode {
  readonly runs: Runs;
  readonly channels: Channels;
  readonly wire: DelayedLog;
  readonly logger: RecordingLogger;
}

/** The promises of the list of runs, over any log. */
export function runsListSuite({ makeLog }: { makeLog: () => EventLog | Promise<EventLog> }): void {
  const open: ListNode[] = [];
  let named = 0;

  /** One more node. `'direct'` has a wire that cannot be cut, and is faster. */
  async function node(options: RunsOptions = {}, how: 'wire' | 'direct' = 'wire'): Promise<ListNode> {
    const log = await makeLog();
    const wire = new DelayedLog(log, ++named);
    const channels = new Channels({ log: how === 'wire' ? wire : log });
    const logger = new RecordingLogger();
    const runs = new Runs(channels, { logger, leaseMs: 3000, node: `node ${named}`, ...options });
    const made = { runs, channels, wire, logger };
    open.push(made);
    return made;
  }

  afterEach(async () => {
    for (const { runs, channels, wire } of open.splice(0)) {
      wire.mend();
      await runs.close(500);
      await channels.close();
    }
  });

  const id = (name: string) => `${name} ${named}`;
  const mine = (list: readonly { id: string }[], ids: readonly string[]) =>
    list.map((run) => run.id).filter((each) => ids.includes(each));

  async function until(test: () => boolean | Promise<boolean>): Promise<void> {
    while (!(await test())) await sleep(20);
  }

  it('has a run of any node as soon as it was started, until it has ended', async () => {
    const [a, b, c] = [await node(), await node(), await node()];
    const ids = [id('one'), id('two')] as const;
    const [first, second] = [new Hand(), new Hand()];
    const before = Date.now();
    await a.runs.start(ids[0], first.source);
    await sleep(2);
    await b.runs.start(ids[1], second.source);
    for (const each of [a, b, c]) {
      const [one, two] = (await each.runs.list()).filter((run) => ids.includes(run.id));
      expect([one, two]).toMatchObject([
        { id: ids[0], node: `node ${named - 2}` },
        { id: ids[1], node: `node ${named - 1}` },
      ]);
      const startedAt = one?.startedAt.getTime() ?? 0;
      expect(startedAt >= before && startedAt <= Date.now()).toBe(true);
    }
    expect([a, b, c].map(({ runs }) => runs.size())).toEqual([1, 1, 0]);
    await c.runs.stop(ids[0]);
    for (const each of [a, b, c]) expect(mine(await each.runs.list(), ids)).toEqual([ids[1]]);
    second.done();
    await until(async () => (await b.runs.status(ids[1])) === 'completed');
    for (const each of [a, b, c]) expect(mine(await each.runs.list(), ids)).toEqual([]);
  });

  it('tells the id of the last event, after which a viewer gets only what is new', async () => {
    const [a, b] = [await node(), await node()];
    const hand = new Hand();
    const run = id('events');
    await a.runs.start(run, hand.source);
    const lastId = async (from: ListNode) =>
      (await from.runs.list()).find((each) => each.id === run)?.lastEventId;
    const empty = await lastId(b);
    const viewer = await b.runs.attach(run);
    hand.give(1);
    const seen = (await viewer.next()).value;
    await until(async () => (await lastId(a)) === seen?.id);
    expect(await lastId(b)).toBe(seen?.id);
    const fromStart = await b.runs.attach(run, { after: empty });
    expect((await fromStart.next()).value?.data).toBe(1);
    const late = await b.runs.attach(run, { after: await lastId(b) });
    hand.give(2);
    expect((await late.next()).value?.data).toBe(2);
    for (const each of [viewer, fromStart, late]) await each.return();
  });

  it('has one entry for an id that is started again and again, by any node', async () => {
    const [a, b] = [await node(), await node()];
    const run = id('again');
    for (const owner of [a, b, a, b]) {
      const hand = new Hand();
      await owner.runs.start(run, hand.source);
      for (const each of [a, b]) {
        const found = (await each.runs.list()).filter((listed) => listed.id === run);
        expect(found).toMatchObject([{ node: owner === a ? `node ${named - 1}` : `node ${named}` }]);
      }
      await b.runs.stop(run);
      for (const each of [a, b]) expect(mine(await each.runs.list(), [run])).toEqual([]);
    }
  });

  it('has long runs also for a node that has just started, and forgets those that have ended', async () => {
    const a = await node({ leaseMs: 9000 }, 'direct');
    const ids = Array.from({ length: 120 }, (_, i) => `${id('long')} ${'x'.repeat(200)} ${i}`);
    await Promise.all(ids.map((each) => a.runs.start(each, new Hand().source)));
    // By now the node has announced all of them once more.
    await sleep(3200);
    const b = await node({ leaseMs: 9000 }, 'direct');
    expect(mine(await b.runs.list(), ids).sort()).toEqual([...ids].sort());
    await Promise.all(ids.slice(5).map((each) => a.runs.stop(each)));
    for (const each of [a, b]) expect(mine(await each.runs.list(), ids)).toHaveLength(5);
    expect(a.logger.errors).toEqual([]);
  });

  it('loses the runs of a dead node within the lease, and keeps those of the others', async () => {
    const [a, b, c] = [await node(), await node(), await node()];
    const ids = [id('dies'), id('lives')] as const;
    await a.runs.start(ids[0], new Hand().source);
    await b.runs.start(ids[1], new Hand().source);
    a.wire.cut();
    expect(mine(await c.runs.list(), ids)).toEqual([...ids]);
    await until(async () => mine(await c.runs.list(), ids).length < 2);
    for (const each of [b, c]) expect(mine(await each.runs.list(), ids)).toEqual([ids[1]]);
    expect(await c.runs.status(ids[0])).toBe('lost');
    // The node is not dead. Its run stays lost, also in its own list.
    a.wire.mend();
    await until(() => a.runs.size() === 0);
    for (const each of [a, b, c]) expect(mine(await each.runs.list(), ids)).toEqual([ids[1]]);
  });

  it('rejects while the log is unavailable, and is complete again after that', async () => {
    const [a, b] = [await node(), await node()];
    const run = id('outage');
    await a.runs.start(run, new Hand().source);
    for (const each of [a, b]) {
      each.wire.cut();
      await expect(each.runs.list()).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
      each.wire.mend();
    }
    for (const each of [a, b]) expect(mine(await each.runs.list(), [run])).toEqual([run]);
    expect([...a.logger.errors, ...b.logger.warnings]).toEqual([]);
  });
}
