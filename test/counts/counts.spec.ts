import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { ADAPTERS, type AdapterName } from '../e2e/adapters.js';

interface FanOutCounts {
  writesPerTurn: number;
  promisesPerEvent: number;
  bytesAllocatedPerDelivery: number;
}

/** The output of `count.mjs`. */
interface Counts {
  writesForHeadAndFirstEvent: number;
  subject: FanOutCounts;
  channel: FanOutCounts;
  channelOfOne: FanOutCounts;
  generator: { writesPerEvent: number; promisesPerEventOverBare: number };
  idle: { bytesPerConnection: number; bytesLeftPerConnection: number; timers: number; timersLeft: number };
  many: {
    connections: number;
    connectionsWrittenTo: number;
    writes: number;
    mostWritesInOneTurn: number;
    sameOrder: boolean;
  };
}

/** The young generation is not collected while allocations are counted. */
const NODE_FLAGS = ['--expose-gc', '--min-semi-space-size=256', '--max-semi-space-size=256'];
/** Some room above the measured figure: the test must notice a change that costs memory, but not a new V8. */
const MAX_BYTES_PER_CONNECTION: Record<AdapterName, number> = { express: 12_000, fastify: 8_000 };

const root = process.cwd();
const run = promisify(execFile);
const counts = new Map<AdapterName, Counts>();
let folder: string;

describe('the counted cost of a stream', () => {
  beforeAll(async () => {
    mkdirSync(join(root, '.tmp'), { recursive: true });
    // Inside the package, so that its dependencies are found.
    folder = mkdtempSync(join(root, '.tmp', 'counts-'));
    const tsc = ['node_modules/typescript7/bin/tsc', '-p', 'tsconfig.build.json', '--outDir', folder];
    execFileSync(process.execPath, tsc, { cwd: root });
    const library = pathToFileURL(join(folder, 'index.js')).href;
    for (const adapter of ADAPTERS) {
      const script = join(root, 'test/counts/count.mjs');
      const { stdout } = await run(process.execPath, [...NODE_FLAGS, script, library, adapter]);
      counts.set(adapter, JSON.parse(stdout) as Counts);
    }
  }, 120_000);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  describe.each(ADAPTERS)('on %s', (adapter) => {
    const counted = (): Counts => counts.get(adapter) as Counts;

    it('head, opening comment and a first event that is ready go out in one write', () => {
      expect(counted().writesForHeadAndFirstEvent).toBe(1);
    });

    it('events of one turn from an Observable are one write, and make no promise', () => {
      const { writesPerTurn, promisesPerEvent } = counted().subject;
      expect(writesPerTurn).toBe(1);
      expect(promisesPerEvent).toBeLessThan(0.02);
    });

    it('events of one turn from a channel are one write a connection', () => {
      expect(counted().channel.writesPerTurn).toBe(1);
      expect(counted().channelOfOne.writesPerTurn).toBe(1);
    });

    it('a delivery allocates little, and a delivery from a channel only its own objects', () => {
      const { subject, channel, channelOfOne } = counted();
      expect(subject.bytesAllocatedPerDelivery).toBeLessThan(2000);
      expect(channelOfOne.bytesAllocatedPerDelivery).toBeLessThan(5000);
      expect(channel.bytesAllocatedPerDelivery).toBeLessThan(400);
    });

    it('a publish makes as many promises for twenty connections as for one', () => {
      const { channel, channelOfOne } = counted();
      expect(channel.promisesPerEvent).toBeCloseTo(channelOfOne.promisesPerEvent, 1);
      expect(channel.promisesPerEvent).toBeLessThan(3);
    });

    it('a generator costs no promises beyond its own loop, and many events share a write', () => {
      const { writesPerEvent, promisesPerEventOverBare } = counted().generator;
      expect(promisesPerEventOverBare).toBeLessThan(0.05);
      expect(writesPerEvent).toBeLessThan(0.01);
    });

    it('one event for thousands of connections is one write each, in order, in slices of one turn each', () => {
      const { connections, connectionsWrittenTo, writes, mostWritesInOneTurn, sameOrder } = counted().many;
      expect([connectionsWrittenTo, writes]).toEqual([connections, connections]);
      expect(mostWritesInOneTurn).toBeLessThanOrEqual(1024);
      expect(sameOrder).toBe(true);
    });

    it('five hundred idle connections share a few timers, and leave none', () => {
      const { timers, timersLeft } = counted().idle;
      expect(timers).toBeLessThan(8);
      expect(timersLeft).toBeLessThan(8);
    });

    it('an idle connection holds no more memory than before, and leaves none', () => {
      const { bytesPerConnection, bytesLeftPerConnection } = counted().idle;
      expect(bytesPerConnection).toBeLessThan(MAX_BYTES_PER_CONNECTION[adapter]);
      expect(bytesLeftPerConnection).toBeLessThan(1000);
    });
  });
});
