import { Channels } from '../channels/channels.js';
import { SseConnections } from '../connection/sse-connections.js';
import { memoryLog } from '../log/memory-log.js';
import { NodeReports } from './node-reports.js';

/** The largest event of a log by default. */
const MAX_EVENT_BYTES = 262_144;

function reports(count: number, hostile: string) {
  const open = Array.from({ length: count }, (_, i) => ({
    ...{ id: i.toString(36), route: 'GET /rooms/:room', ip: '127.0.0.1', openedAt: new Date() },
    ...{ events: 1e9, bytes: 1e12, queuedBytes: 1e9, dropped: 1e9, request: { params: { room: hostile } } },
  }));
  const channels = new Channels({ log: memoryLog() });
  for (let i = 0; i < 100; i++) void channels.subscribe([`${i}${'é'.repeat(120)}`]).next();
  const use = () => Array.from({ length: 200 }, (_, i) => ({ key: `${i}${hostile}`, taken: 1, max: 1 }));
  const connections = Object.assign(new SseConnections(), { list: () => open, slots: { use } });
  const runs = Array.from({ length: 200 }, (_, i) => ({
    ...{ id: `${i}${'é'.repeat(120)}`, status: 'running', startedAt: 1e12, viewers: 1 },
  }));
  const options = { user: () => hostile };
  const made = new NodeReports('a', 1000, connections, channels, { owned: () => runs } as never, options);
  return { made, close: () => channels.close() };
}

describe('a report of a node', () => {
  it.each([
    ['control characters', '\u0001'.repeat(500)],
    ['letters of three bytes', '語'.repeat(500)],
    ['quotes', '"'.repeat(500)],
  ])('names connections, and fits into one event, although clients choose keys of %s', async (_, hostile) => {
    const { made, close } = reports(400, hostile);
    const report = await made.collect();
    expect(Buffer.byteLength(JSON.stringify({ is: 'report', node: 'a', report }))).toBeLessThan(
      MAX_EVENT_BYTES,
    );
    expect(report.connections.length).toBeGreaterThan(50);
    expect([report.totals.connections, report.channels.length, report.runs.length]).toEqual([400, 60, 100]);
    await close();
  });

  it('names 300 connections with keys of usual length', async () => {
    const { made, close } = reports(400, 'user-0123456789');
    expect((await made.collect()).connections).toHaveLength(300);
    await close();
  });
});
