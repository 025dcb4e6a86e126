import { parseEventLog, readEventLog } from './event-log.js';

const HEADER = 'case_id,activity,timestamp,resource';

describe('parseEventLog', () => {
  it('sorts the cases by their start, and the events of each case by time', () => {
    const csv = [
      HEADER,
      'B,Close,2023-01-04T08:00:00Z,ann',
      'A,Open,2023-01-01T08:00:00Z,bo',
      'B,Open,2023-01-02T08:00:00Z,bo',
      'A,Close,2023-01-03T08:00:00Z,ann',
    ].join('\n');
    const traces = parseEventLog(`${csv}\n`);
    expect(traces.map((trace) => trace.map((event) => `${event.case_id} ${event.activity}`))).toEqual([
      ['A Open', 'A Close'],
      ['B Open', 'B Close'],
    ]);
  });

  it('rejects a line that does not have four fields, and a file with another header', () => {
    expect(() => parseEventLog(`${HEADER}\nA,Open,2023-01-01T08:00:00Z\n`)).toThrow(
      'A line of the event log is not "case_id,activity,timestamp,resource": "A,Open,2023-01-01T08:00:00Z".',
    );
    expect(() => parseEventLog('case;activity\n')).toThrow('An event log starts with');
  });
});

describe('the shipped event log', () => {
  it('has 420 complete cases, each of which begins with an application', async () => {
    const traces = await readEventLog();
    expect(traces).toHaveLength(420);
    expect(new Set(traces.map((trace) => trace[0]?.activity))).toEqual(new Set(['Submit application']));
    expect(new Set(traces.map((trace) => trace.at(-1)?.activity))).toEqual(
      new Set(['Archive case', 'Cancel application']),
    );
  });
});
