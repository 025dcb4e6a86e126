import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { turns } from '../../../test/fixtures/nodes.js';
import type { GrantAnswer, LeaseEvents, LeaseServer } from './lease-server.js';
import { LeasedSlots } from './leased-slots.js';

const LEASE_MS = 3000;

/** A store on a server that answers each `grant()` when the test says so. */
function setUp() {
  const clock = new ManualClock();
  const grants: ((answer: GrantAnswer) => void)[] = [];
  const released: string[][] = [];
  const server: Partial<LeaseServer> = {
    name: 'Fake',
    address: 'nowhere',
    up: true,
    open: () => undefined,
    grant: () => new Promise((resolve) => grants.push(resolve)),
    release: async (leases) => void released.push(leases.map(({ request }) => request.key)),
    announceEvicted: () => undefined,
    isTransient: () => true,
    close: () => undefined,
  };
  const connect = (_node: string, events: LeaseEvents): LeaseServer => {
    queueMicrotask(() => events.up());
    return server as LeaseServer;
  };
  const slots = new LeasedSlots(connect, { leaseMs: LEASE_MS, refuses: true, waitMs: 60_000, clock });
  const ask = (...keys: string[]) =>
    slots.acquire(keys.map((key) => ({ key, max: 1, replaceOldest: false, onReplaced: () => undefined })));
  return { clock, grants, released, slots, ask };
}

const granted: GrantAnswer = { since: '1', evicted: [] };

describe('an answer of the server that is read after this process was suspended', () => {
  it('is asked for again, because the leases may have expired', async () => {
    const { clock, grants, slots, ask } = setUp();
    const asked = ask('a', 'b');
    await turns(3);
    clock.suspend(LEASE_MS);
    grants.shift()?.(granted);
    await turns(3);
    expect([grants.length, slots.size]).toEqual([1, 0]);
    grants.shift()?.(granted);
    expect(await asked).toHaveProperty('slot');
    expect([grants.length, slots.size]).toEqual([0, 2]);
  });

  it('refuses if another process has a place by now, and gives back the others', async () => {
    const { clock, grants, released, slots, ask } = setUp();
    const asked = ask('a', 'b');
    await turns(3);
    clock.suspend(LEASE_MS);
    grants.shift()?.(granted);
    await turns(3);
    grants.shift()?.({ full: 1 });
    expect(await asked).toMatchObject({ full: { key: 'b' } });
    await turns(3);
    expect([slots.size, released]).toEqual([0, [['a', 'b']]]);
  });

  it('counts if it was read in time', async () => {
    const { clock, grants, slots, ask } = setUp();
    const asked = ask('a');
    await turns(3);
    clock.suspend(LEASE_MS / 3 - 1);
    grants.shift()?.(granted);
    expect(await asked).toHaveProperty('slot');
    expect([grants.length, slots.size]).toEqual([0, 1]);
  });
});
