import type { EventLog } from '../../log/event-log.js';
import { describeAppending } from './appending.contract.js';
import type { ContractRetention, ContractRunner, Logs, MakeLogs, Nodes } from './contract-kit.js';
import { describeEviction } from './eviction.contract.js';
import { describeOwnIds } from './own-ids.contract.js';
import { describeReading } from './reading.contract.js';
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
    check: (nodes: Nodes) => Promise<void>,
    retention: ContractRetention = {},
  ) =>
    it(property, async () => {
      const made = await makeLogs(retention);
      const logs: readonly EventLog[] = isMany(made) ? made : [made];
      const [log] = logs as [EventLog];
      try {
        await check({ log, other: logs[logs.length - 1] ?? log });
      } finally {
        for (const each of logs) await each.close();
      }
    });
  describe(`event log contract: ${name}`, () => {
    describeReading(test, expect);
    describeAppending(test, expect);
    describeEviction(test, expect);
    describeOwnIds(test, expect);
    describeWatching(test, expect);
    describeClosing(test, expect);
  });
}

function isMany(logs: Logs): logs is readonly [EventLog, ...EventLog[]] {
  return Array.isArray(logs);
}
