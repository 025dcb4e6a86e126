import type { EventLog } from '../../log/event-log.js';
import { describeAppending } from './appending.contract.js';
import type { ContractRetention, ContractRunner, Lives, Logs, MakeLogs } from './contract-kit.js';
import { describePositions } from './positions.contract.js';
import { describeEviction } from './eviction.contract.js';
import { describeKeeping } from './keeping.contract.js';
import { describeOwnIds } from './own-ids.contract.js';
import { describeReading } from './reading.contract.js';
import { describeSnapshots } from './snapshots.contract.js';
import { describeClosing, describeWatching } from './watching.contract.js';

/**
 * The suite that every event log passes. It uses the runner's globals unless a runner is given.
 *
 * @example
 * eventLogContract('my log', ({ maxEvents = 1000 }) => new MyLog({ maxEvents }));
 */
export function eventLogContract(
  name: string,
  makeLogs: MakeLogs,
  runner: ContractRunner = globalThis as unknown as ContractRunner,
): void {
  const { describe, it, expect } = runner;
  const test = (
    property: string,
    check: (nodes: Lives) => Promise<void>,
    retention: ContractRetention = {},
  ) =>
    it(property, async () => {
      const made: EventLog[] = [];
      const make = async (): Promise<readonly [EventLog, ...EventLog[]]> => {
        const logs = await makeLogs(retention);
        const nodes = isMany(logs) ? logs : ([logs] as const);
        made.push(...nodes);
        return nodes;
      };
      const logs = await make();
      const [log] = logs;
      try {
        await check({ log, other: logs[logs.length - 1] ?? log, anotherLife: async () => (await make())[0] });
      } finally {
        for (const each of made) await each.close();
      }
    });
  describe(`event log contract: ${name}`, () => {
    describeReading(test, expect);
    describePositions(test, expect);
    describeAppending(test, expect);
    describeEviction(test, expect);
    describeKeeping(test, expect);
    describeOwnIds(test, expect);
    describeWatching(test, expect);
    describeSnapshots(test, expect);
    describeClosing(test, expect);
  });
}

function isMany(logs: Logs): logs is readonly [EventLog, ...EventLog[]] {
  return Array.isArray(logs);
}
