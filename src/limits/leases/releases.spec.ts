import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { Lease } from './lease.js';
import type { LeaseServer } from './lease-server.js';
import { Releases } from './releases.js';

const LEASE_MS = 1000;

function leaseOf(id: string, key = 'k'): Lease {
  return new Lease(id, { key, max: 1, replaceOldest: false, onReplaced: () => undefined });
}

/** A server that records each call of `release()` and answers it as `answer` says. */
function setUp() {
  const calls: string[][] = [];
  const clock = new ManualClock();
  const server = {
    up: true,
    answer: (): Promise<void> => Promise.resolve(),
    release(leases: readonly Lease[]): Promise<void> {
      calls.push(leases.map(({ id }) => id));
      return this.answer();
    },
  };
  const releases = new Releases(server as unknown as LeaseServer, { leaseMs: LEASE_MS, clock });
  return { calls, clock, server, releases };
}

const none = (): boolean => false;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const reject = (): Promise<void> => Promise.reject(new Error('The server is unavailable.'));

describe('releases', () => {
  it.each([
    ['granted', (resolve: () => void) => resolve()],
    ['rejected', (_: () => void, fail: (error: Error) => void) => fail(new Error('timeout'))],
  ])('are sent after a request for one of the leases was %s', async (_, settle) => {
    const { calls, releases } = setUp();
    const asked = leaseOf('asked');
    let settleNow!: () => void;
    asked.pending = new Promise<void>((resolve, fail) => {
      settleNow = () => settle(resolve, fail);
    });
    releases.add([leaseOf('held'), asked]);
    await turn();
    expect(calls).toEqual([]);
    settleNow();
    await turn();
    expect(calls).toEqual([['held', 'asked']]);
    expect(releases.size).toBe(0);
  });

  it('are sent again until the server confirms them', async () => {
    const { calls, releases, server } = setUp();
    server.answer = reject;
    releases.add([leaseOf('a')]);
    releases.add([leaseOf('b')]);
    await releases.settled();
    await releases.resend(none);
    expect(releases.size).toBe(2);
    server.answer = () => Promise.resolve();
    await releases.resend(none);
    expect(releases.size).toBe(0);
    await releases.resend(none);
    expect(calls).toEqual([['a'], ['b'], ['a', 'b'], ['a', 'b']]);
  });

  it('are not sent any more when their leases have expired', async () => {
    const { calls, clock, releases, server } = setUp();
    server.answer = reject;
    releases.add([leaseOf('old')]);
    clock.advance(LEASE_MS - 1);
    releases.add([leaseOf('new')]);
    await releases.settled();
    clock.advance(1);
    await releases.resend(none);
    expect(calls).toEqual([['old'], ['new'], ['new']]);
    expect(releases.size).toBe(1);
  });

  it('are dropped at the next release, so that an outage does not collect them', async () => {
    const { clock, releases, server } = setUp();
    server.answer = reject;
    for (let i = 0; i < 10; i++) {
      releases.add([leaseOf(String(i))]);
      await releases.settled();
      clock.advance(LEASE_MS);
    }
    expect(releases.size).toBe(1);
  });

  it('are sent again in batches of 500, and not to a server that is down', async () => {
    const { calls, releases, server } = setUp();
    server.answer = reject;
    releases.add(Array.from({ length: 1001 }, (_, i) => leaseOf(String(i))));
    await releases.settled();
    calls.length = 0;
    await releases.resend(none);
    expect(calls.map(({ length }) => length)).toEqual([500, 500, 1]);
    calls.length = 0;
    server.answer = () => {
      server.up = false;
      return reject();
    };
    await releases.resend(none);
    expect(calls.map(({ length }) => length)).toEqual([500]);
  });

  describe('of a key that is renewed', () => {
    const renewed = (key: string): boolean => key === 'r';

    async function unconfirmed(...leases: Lease[]) {
      const made = setUp();
      made.server.answer = reject;
      made.releases.add(leases);
      await made.releases.settled();
      made.server.answer = () => Promise.resolve();
      made.calls.length = 0;
      return made;
    }

    it('are left to its renewal, and kept until that is confirmed', async () => {
      const [a, b] = [leaseOf('a', 'r'), leaseOf('b', 'r')];
      const { calls, releases } = await unconfirmed(a, leaseOf('other'), b);
      expect(await releases.resend(renewed)).toEqual(new Map([['r', [a, b]]]));
      expect([calls, releases.size]).toEqual([[['other']], 2]);
      expect(await releases.resend(renewed)).toEqual(new Map([['r', [a, b]]]));
      releases.confirm([a]);
      expect(await releases.resend(renewed)).toEqual(new Map([['r', [b]]]));
      releases.confirm([b]);
      expect(await releases.resend(renewed)).toEqual(new Map());
      expect([calls, releases.size]).toEqual([[['other']], 0]);
    });

    it('are sent before it if a renewal cannot hold all of them', async () => {
      const leases = Array.from({ length: 501 }, (_, i) => leaseOf(String(i), 'r'));
      const { calls, releases } = await unconfirmed(...leases);
      expect(await releases.resend(renewed)).toEqual(new Map([['r', leases.slice(0, 500)]]));
      expect(calls).toEqual([['500']]);
    });

    it('wait for a request for their lease that is under way', async () => {
      const asked = leaseOf('asked', 'r');
      const { calls, releases } = await unconfirmed(asked);
      let answer!: () => void;
      asked.pending = new Promise<void>((resolve) => (answer = resolve));
      const resent = releases.resend(renewed);
      await turn();
      expect(calls).toEqual([]);
      answer();
      expect(await resent).toEqual(new Map());
      expect(calls).toEqual([['asked']]);
    });
  });

  it('are awaited by settled(), which never rejects', async () => {
    const { releases, server } = setUp();
    let fail!: (error: Error) => void;
    server.answer = () => new Promise((_, reject) => (fail = reject));
    releases.add([leaseOf('a')]);
    await turn();
    let settled = false;
    const all = releases.settled().then(() => (settled = true));
    await turn();
    expect(settled).toBe(false);
    fail(new Error('The server is unavailable.'));
    await all;
  });
});
