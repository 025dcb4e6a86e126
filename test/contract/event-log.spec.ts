import { memoryLog } from '../../src/log/memory-log.js';
import { ListLog } from '../fixtures/docs/list-log.js';
import { DelayedLog } from './delayed-log.js';
import { eventLogContract } from 'nestjs-event-stream/testing';

eventLogContract('memoryLog', (retention) => memoryLog(retention));

// The same log from two processes, each answer after a random delay, like a log over a network.
eventLogContract('memoryLog, delayed, two nodes', (retention) => {
  const log = memoryLog(retention);
  return [new DelayedLog(log, 1), new DelayedLog(log, 2)];
});

// The example of docs/writing-a-log.md.
eventLogContract(
  'ListLog',
  ({ maxEvents = 1000, maxEventBytes = 262_144 }) => new ListLog({ maxEvents, maxEventBytes }),
);
