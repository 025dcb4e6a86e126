import { SharedTimers } from '../time/shared-timers.js';
import type { SseConnection } from '../connection/sse-connection.js';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { RecordingLogger } from '../../test/fixtures/recording-logger.js';
import { CutOffLog, type CutOff } from './cut-off-log.js';

const STALL: CutOff = { limit: 'stallMs', value: 30_000 };
const OVERFLOW: CutOff = { limit: 'overflow.maxBytes', value: 1000 };
const connection = (id: string): SseConnection =>
  ({ id, route: 'GET /prices', queuedBytes: 1234 }) as SseConnection;

let clock: ManualClock;
let warnings: string[];
let log: CutOffLog;
beforeEach(() => {
  clock = new ManualClock();
  const logger = new RecordingLogger();
  ({ warnings } = logger);
  log = new CutOffLog(logger, new SharedTimers(clock));
});

const add = (count: number, cutOff: CutOff): void => {
  for (let i = 0; i < count; i++) log.add(connection(String(i)), cutOff);
};

it('a line names the route, the connection, the limit and the queued bytes', () => {
  add(1, STALL);
  add(1, OVERFLOW);
  expect(warnings).toEqual([
    'GET /prices: connection 0 was cut off, because its client was too slow: it took nothing for "stallMs" (30000). ' +
      '1234 bytes were queued for it.',
    'GET /prices: connection 0 was cut off, because its client was too slow: one more event is more than ' +
      '"overflow.maxBytes" (1000) allows to wait. 1234 bytes were queued for it.',
  ]);
});

it('fifty disconnects at once are fifty lines, and no further timers', () => {
  add(50, STALL);
  expect(warnings).toHaveLength(50);
  expect(warnings.every((line) => !line.includes('\n'))).toBe(true);
  expect(clock.size).toBe(0);
});

it('a thousand at once are fifty lines, and one that counts the others', () => {
  add(400, STALL);
  add(600, OVERFLOW);
  expect(warnings).toHaveLength(50);
  clock.advance(10_100);
  expect(warnings.slice(50)).toEqual([
    'More connections were cut off within 10 s than are named here: 350 by "stallMs", 600 by "overflow.maxBytes".',
  ]);
  expect(clock.size).toBe(0);
});

it('each window has its lines, and its summary comes before the next window begins', () => {
  add(51, STALL);
  clock.advance(9000);
  add(1, STALL);
  expect(warnings).toHaveLength(50);
  clock.advance(1000);
  add(2, STALL);
  expect(warnings.slice(50).map((line) => line.slice(0, 24))).toEqual([
    'More connections were cu',
    'GET /prices: connection ',
    'GET /prices: connection ',
  ]);
  expect(warnings[50]).toContain(': 2 by "stallMs".');
  clock.advance(60_000);
  expect(warnings).toHaveLength(53);
});
