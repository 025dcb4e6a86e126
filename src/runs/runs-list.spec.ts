import { memoryLog, type EventLog } from 'nestjs-event-stream';
import { runsListSuite } from '../../test/contract/runs-list.suite.js';
import { TestNodes, turns, type TestNode } from '../../test/fixtures/nodes.js';
import { Hand } from '../../test/fixtures/run-viewer.js';
import { DIRECTORY_CHANNEL } from './run-directory.js';

const LEASE_MS = 15_000;
const ALL = { events: 1e6, bytes: Infinity };

describe('the list of runs in memory', () => {
  let log: EventLog;
  beforeEach(() => (log = memoryLog()));

  runsListSuite({ makeLog: () => log });
});

describe('the announcements of runs', () => {
  let nodes: TestNodes;
  let a: TestNode;
  let b: TestNode;
  beforeEach(() => {
    nodes = new TestNodes();
    [a, b] = [nodes.add(), nodes.add()];
  });
  afterEach(async () => {
    const closing = [a, b].map(({ runs }) => runs.close(1000));
    await nodes.advance(2000);
    await Promise.all(closing);
  });

  const announced = async () => {
    const { entries } = await nodes.log.read(DIRECTORY_CHANNEL, undefined, ALL);
    return entries.map((entry) => JSON.parse(entry.asText().data as string) as { ids: string[] });
  };
  const list = async ({ runs }: Pick<TestNode, 'runs'>) => (await runs.list()).map(({ id }) => id);

  it('are one for each start and three per lease, and none of a node without runs', async () => {
    await nodes.advance(LEASE_MS * 10);
    expect(await list(b)).toEqual([]);
    expect(await announced()).toEqual([]);
    const hands = [new Hand(), new Hand()];
    await Promise.all(hands.map((hand, i) => a.runs.start(`r${i}`, hand.source)));
    expect((await announced()).flatMap(({ ids }) => ids).sort()).toEqual(['r0', 'r1']);
    const started = (await announced()).length;
    await nodes.advance(LEASE_MS + 1000);
    expect((await announced()).slice(started)).toMatchObject(Array(3).fill({ ids: ['r0', 'r1'] }));
    for (const hand of hands) hand.done();
    await nodes.advance(LEASE_MS);
    expect((await announced()).slice(started + 3)).toMatchObject([{ ids: [] }]);
    await nodes.advance(LEASE_MS * 10);
    expect(await announced()).toHaveLength(started + 4);
  });

  it('name a run that has been running for longer than the log keeps them', async () => {
    await nodes.add({}, 'direct').runs.close();
    nodes = new TestNodes({ maxAgeMs: LEASE_MS * 4, maxEvents: 20 });
    [a, b] = [nodes.add(), nodes.add()];
    await a.runs.start('r', new Hand().source);
    await b.runs.list();
    for (let hour = 0; hour < 3; hour++) {
      await nodes.advance(3_600_000, 2500);
      for (const each of [a, b, nodes.add()]) expect(await list(each)).toEqual(['r']);
    }
    expect((await announced()).length).toBeLessThanOrEqual(20);
  });

  it('are repeated after an outage of the log, also to a node that has just started', async () => {
    await a.runs.start('r', new Hand().source);
    a.wire.cut();
    await nodes.advance(LEASE_MS / 2);
    const started = a.runs.start('s', new Hand().source).catch((error: unknown) => error);
    await turns();
    expect(await started).toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    a.wire.mend();
    const before = (await announced()).length;
    await nodes.advance(1000);
    expect((await announced()).slice(before)).toMatchObject([{ ids: ['r'] }]);
    expect([await list(nodes.add()), a.logger.errors]).toEqual([['r'], []]);
  });

  it('of a frozen node end with its lease, and the node drops the run when it wakes up', async () => {
    await a.runs.start('r', new Hand().source);
    a.process.suspend();
    expect(await list(b)).toEqual(['r']);
    await nodes.advance(LEASE_MS + 1000);
    expect(await list(b)).toEqual([]);
    a.process.resume();
    await nodes.advance(LEASE_MS);
    expect([await list(a), await list(b), a.runs.size()]).toEqual([[], [], 0]);
  });

  it('do not make a start fail if the log refuses them: the node reports that once, and repeats them', async () => {
    const { append } = nodes.log;
    const refuse = new Error('refused');
    const log: EventLog = Object.create(nodes.log) as EventLog;
    let refuses = true;
    log.append = (channel, records) => {
      if (channel === DIRECTORY_CHANNEL && refuses) throw refuse;
      return append.call(nodes.log, channel, records);
    };
    const node = nodes.on(log);
    await node.runs.start('r', new Hand().source);
    await nodes.advance(LEASE_MS);
    expect(node.logger.errors).toEqual([expect.stringContaining('refused')]);
    expect([await list(node), await list(b)]).toEqual([['r'], []]);
    refuses = false;
    await nodes.advance(1000);
    expect(await list(b)).toEqual(['r']);
    await node.runs.stop('r');
    await node.runs.close();
  });

  it('are split for a log that takes only small events', async () => {
    const small = new TestNodes({ maxEventBytes: 700 });
    const [owner, other] = [small.add({}, 'direct'), small.add({}, 'direct')];
    const ids = Array.from({ length: 40 }, (_, i) => `${'x'.repeat(100)}${i}`);
    await Promise.all(ids.map((id) => owner.runs.start(id, new Hand().source)));
    expect((await list(other)).sort()).toEqual([...ids].sort());
    await small.advance(LEASE_MS);
    expect((await list(small.add({}, 'direct'))).sort()).toEqual([...ids].sort());
    await Promise.all(ids.map((id) => owner.runs.stop(id)));
    expect([await list(other), owner.logger.errors]).toEqual([[], []]);
  });
});
