import { SseError, memoryLog, type Fold, type LogSnapshots } from 'nestjs-event-stream';
import { toRecord } from '../../log/log-record.js';
import { FoldedState } from './folded-state.js';
import { StateWriter } from './state-writer.js';

const sum: Fold<number, number> = {
  initial: 0,
  step: (state, { data }) => state + data,
  toEvents: (state) => state,
};

const turns = async (): Promise<void> => {
  for (let i = 0; i < 5; i++) await new Promise(setImmediate);
};

/** A writer whose log fails each write when the test says so. `told` has what the writer tells its owner. */
function failing({ maxEvents = 1000 } = {}) {
  const log = memoryLog({ maxEvents });
  const writes: string[] = [];
  let reject: (error: unknown) => void = () => undefined;
  const store: LogSnapshots = {
    read: (channel, fold) => log.snapshots.read(channel, fold),
    position: (channel, fold) => log.snapshots.position(channel, fold),
    write: (_channel, _fold, { state }) => {
      writes.push(state);
      return new Promise((_resolve, fail) => (reject = fail));
    },
  };
  const failures: unknown[] = [];
  const init = {
    ...{ channel: 'a', key: 'sum@1', fold: sum as Fold, log, store, parse: JSON.parse, serialize: undefined },
    failed: (error: unknown) => failures.push(error),
  };
  const folded = new FoldedState(init);
  const told: string[] = [];
  const writer = new StateWriter(init, folded, {
    storable: () => told.push('storable'),
    storeLater: () => told.push('storeLater'),
    yield: () => told.push('yield'),
  });
  const append = (count: number): string => {
    const records = Array.from({ length: count }, () => toRecord(1, undefined));
    return (log.append('a', records) as string[]).at(-1)!;
  };
  const fail = async (error: unknown): Promise<void> => {
    reject(error);
    await turns();
  };
  return { log, writes, failures, told, folded, writer, append, fail };
}

const outage = new SseError('SSE_LOG_UNAVAILABLE', 'The network is down.');

describe('the writer of the states', () => {
  it('stores nothing while there is no state', () => {
    const { writer, writes, failures } = failing();
    writer.write();
    expect([writes, failures]).toEqual([[], []]);
  });

  it('counts the events of a state as not stored after an outage, together with those since then', async () => {
    const { writer, folded, append, fail, writes, told, failures } = failing();
    append(10);
    await folded.catchUp();
    const { bytes } = folded;
    expect([folded.count, bytes > 0]).toEqual([10, true]);
    writer.write();
    expect([folded.count, folded.bytes]).toEqual([0, 0]);
    append(10);
    await folded.catchUp();
    await fail(outage);
    expect([folded.count, folded.bytes]).toEqual([20, bytes * 2]);
    expect([writes, told, failures]).toEqual([['10'], ['storeLater'], []]);
  });

  it('waits for more events before it stores again when the log has refused a state', async () => {
    const { writer, folded, append, fail, told, failures } = failing();
    append(10);
    await folded.catchUp();
    writer.write();
    const refusal = new SseError('SSE_EVENT_TOO_LARGE', 'The state has 2000 bytes.');
    await fail(refusal);
    expect([folded.count, folded.bytes, told, failures]).toEqual([0, 0, [], [refusal]]);
  });

  it('does not count the events of a failed state again if another node has stored a newer one', async () => {
    const { log, writer, folded, append, fail, told } = failing({ maxEvents: 5 });
    append(3);
    await folded.catchUp();
    writer.write();
    const position = append(10);
    await log.snapshots.write('a', 'sum@1', { position, state: '13' }, undefined);
    append(1);
    await folded.catchUp();
    await fail(outage);
    expect([folded.toJson(), folded.count, told]).toEqual(['14', 1, []]);
  });
});
