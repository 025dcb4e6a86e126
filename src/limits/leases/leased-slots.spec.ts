import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { turns } from '../../../test/fixtures/nodes.js';
import type { GrantAnswer, LeaseEvents, LeaseServer, RenewAnswer } from './lease-server.js';
import type { Lease } from './lease.js';
import { LeasedSlots } from './leased-slots.js';

const LEASE_MS = 3000;

interface Asked<Answer> {
  readonly leases: readonly Lease[];
  answer(answer: Answer): void;
}

/** A store on a server that answers each question when the test says so. */
function setUp({ refuses = true } = {}) {
  const clock = new ManualClock();
  const grants: Asked<GrantAnswer>[] = [];
  const renewals: Asked<RenewAnswer>[] = [];
  const released: string[][] = [];
  const replaced: string[] = [];
  let events!: LeaseEvents;
  const server: Partial<LeaseServer> = {
    name: 'Fake',
    address: 'nowhere',
    up: true,
    open: () => undefined,
    grant: (leases) => new Promise((answer) => grants.push({ leases, answer })),
    renew: (leases) => new Promise((answer) => renewals.push({ leases, answer })),
    release: async (leases) => void released.push(leases.map(({ request }) => request.key)),
    announceEvicted: () => undefined,
    isTransient: () => true,
    close: () => undefined,
  };
  const slots = new LeasedSlots(
    (_node, given) => {
      events = given;
      queueMicrotask(() => given.up());
      return server as LeaseServer;
    },
    { leaseMs: LEASE_MS, refuses, waitMs: 10_000, clock },
  );
  const ask = (replaceOldest: boolean, ...keys: string[]) =>
    slots.acquire(
      keys.map((key) => ({ key, max: 1, replaceOldest, onReplaced: () => void replaced.push(key) })),
    );
  /** Answers the request after a suspension in which the leases may have expired. */
  const grantLate = async (): Promise<readonly Lease[]> => {
    await turns(3);
    clock.suspend(LEASE_MS);
    const asked = grants.shift();
    asked?.answer({ since: '1', evicted: [] });
    await turns(3);
    return asked?.leases ?? [];
  };
  /** Answers the next renewal. */
  const renew = async (isLost = false): Promise<void> => {
    const asked = renewals.shift();
    asked?.answer({ now: '2', evicted: isLost ? asked.leases.map(({ id }) => id) : [] });
    await turns(3);
  };
  return { clock, grants, renewals, released, replaced, slots, ask, grantLate, renew, events: () => events };
}

describe('places that were granted, which is read after this process was suspended', () => {
  it('are used if the server still has them, or has room for them', async () => {
    const { slots, ask, grantLate, renew, grants, renewals } = setUp();
    const asked = ask(false, 'a', 'b');
    await grantLate();
    expect([slots.size, renewals.length]).toEqual([0, 1]);
    await renew();
    await renew();
    expect(await asked).toHaveProperty('slot');
    expect([slots.size, grants.length, renewals.length]).toEqual([2, 0, 0]);
  });

  it('are given back if another process has one of them by now', async () => {
    const { slots, ask, grantLate, renew, released, replaced } = setUp();
    const asked = ask(false, 'a', 'b');
    await grantLate();
    await renew();
    await renew(true);
    expect(await asked).toMatchObject({ full: { key: 'b' } });
    await turns(3);
    expect([slots.size, released, replaced]).toEqual([0, [['a', 'b']], []]);
  });

  it('are replaced if a newer connection has one of them by now', async () => {
    const { slots, ask, grantLate, renew, replaced } = setUp();
    const asked = ask(true, 'a', 'b');
    await grantLate();
    await renew(true);
    await renew();
    expect(await asked).toHaveProperty('slot');
    expect([replaced, slots.size]).toEqual([['a'], 1]);
  });

  it('are not taken back from a newer connection of this process', async () => {
    const { slots, ask, grantLate, renewals, replaced, events } = setUp();
    const asked = ask(true, 'a');
    await turns(3);
    const [lease] = slots['leases'].all();
    events().evicted([lease?.id ?? '']);
    await grantLate();
    expect(await asked).toHaveProperty('slot');
    expect([replaced, slots.size, renewals.length]).toEqual([['a'], 0, 0]);
  });

  it('stay with a stream that was admitted meanwhile without the server', async () => {
    const { clock, slots, ask, grantLate, renew, renewals, released, replaced } = setUp({ refuses: false });
    const asked = ask(false, 'a');
    await grantLate();
    clock.advance(12_000);
    expect(await asked).toHaveProperty('slot');
    await renew(true);
    expect([slots.size, released, replaced]).toEqual([1, [], []]);
    // The next renewal decides.
    clock.advance(LEASE_MS);
    await turns(3);
    expect(renewals.length).toBe(1);
    await renew(true);
    expect([slots.size, replaced]).toEqual([0, ['a']]);
  });

  it('are used at once if the answer was read in time', async () => {
    const { clock, grants, renewals, slots, ask } = setUp();
    const asked = ask(false, 'a');
    await turns(3);
    clock.suspend(LEASE_MS / 3 - 1);
    grants.shift()?.answer({ since: '1', evicted: [] });
    expect(await asked).toHaveProperty('slot');
    expect([renewals.length, slots.size]).toEqual([0, 1]);
  });
});
