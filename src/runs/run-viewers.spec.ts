import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { turns } from '../../test/fixtures/nodes.js';
import { RunViewers } from './run-viewers.js';

const LEASE_MS = 15_000;
const ORPHAN_MS = 8000;

function watched(log: { here: number; answers: boolean } = { here: 0, answers: true }) {
  const clock = new ManualClock();
  const init = { clock, leaseMs: LEASE_MS, here: () => log.here, listen: async () => log.answers };
  const viewers = new RunViewers(init);
  const orphaned: number[] = [];
  viewers.watch(ORPHAN_MS, () => orphaned.push(clock.now()));
  const advance = async (ms: number) => {
    for (let i = 0; i < ms; i += 1000) {
      clock.advance(1000);
      await turns(2);
    }
  };
  return { clock, viewers, orphaned, advance, log };
}

describe('the viewers of a run', () => {
  it('are missing after orphanMs without a viewer here and without a sign of one elsewhere', async () => {
    const { advance, orphaned, log, viewers } = watched();
    log.here = 1;
    await advance(20_000);
    log.here = 0;
    await advance(4000);
    viewers.onViewing('b', true);
    await advance(4000);
    viewers.onViewing('b', false);
    await advance(7000);
    expect(orphaned).toEqual([]);
    await advance(2000);
    expect(orphaned).toHaveLength(1);
    await advance(20_000);
    expect(orphaned).toHaveLength(1);
  });

  it('on a node that is silent for a lease have left', async () => {
    const { advance, orphaned, viewers } = watched();
    viewers.onViewing('b', true);
    await advance(LEASE_MS + ORPHAN_MS - 2000);
    expect(orphaned).toEqual([]);
    await advance(2000);
    expect(orphaned).toHaveLength(1);
  });

  it('on a dead node do not count again after an outage of the log', async () => {
    const { advance, orphaned, viewers, log } = watched();
    viewers.onViewing('b', true);
    log.here = 1;
    await advance(LEASE_MS);
    viewers.prune();
    log.here = 0;
    viewers.restart();
    await advance(ORPHAN_MS + 1000);
    expect(orphaned).toHaveLength(1);
  });

  it('elsewhere have not left while the log does not answer', async () => {
    const { advance, orphaned, viewers, log } = watched();
    viewers.onViewing('b', true);
    log.answers = false;
    for (let i = 0; i < 30; i++) {
      await advance(LEASE_MS / 3);
      // Like the renewals of the lease, which fail.
      viewers.restart();
    }
    expect(orphaned).toEqual([]);
    log.answers = true;
    await advance(LEASE_MS + ORPHAN_MS - 2000);
    expect(orphaned).toEqual([]);
    await advance(3000 + ORPHAN_MS);
    expect(orphaned).toHaveLength(1);
  });

  it('get the time back in which this process was suspended', async () => {
    const { clock, viewers } = watched();
    viewers.onViewing('b', true);
    const orphaned: string[] = [];
    // The timer fires long after it was due.
    clock.schedule = (run) => setImmediate(() => ((clock.now = () => 10 * LEASE_MS), run()));
    viewers.watch(ORPHAN_MS, () => orphaned.push('orphaned'));
    await turns(5);
    viewers.stop();
    expect(orphaned).toEqual([]);
  });
});
