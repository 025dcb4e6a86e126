import { FAILING_CALLS } from '../../test/fixtures/failing-calls.js';
import { until } from '../../test/redis/viewer.js';
import { EVENT_LOG_WORDS } from '../log/remote/health-words.js';
import { redisLog } from '../redis/log/redis-log.js';
import { HealthReport } from './health-report.js';

function report() {
  const lines: string[] = [];
  let now = 0;
  const made = new HealthReport(
    () => 'Redis at cache:6379',
    () => now,
    EVENT_LOG_WORDS,
  );
  made.logger = { log: (line) => lines.push(`log ${line}`), warn: (line) => lines.push(`warn ${line}`) };
  return { made, lines, later: (ms: number) => (now += ms) };
}

describe('HealthReport', () => {
  it.each(FAILING_CALLS)('works with a logger that %s', (_how, fail) => {
    const { made } = report();
    made.logger = { log: fail, warn: fail } as never;
    made.down(new Error('gone'));
    made.up();
    made.warn('a line');
  });

  it('logs one warning when the event log goes down, and one line when it is up again', () => {
    const { made, lines } = report();
    made.up();
    made.down(new AggregateError([new Error('connect ECONNREFUSED ::1:6379')]));
    made.down(new Error('again'));
    made.up();
    made.up();
    made.down(undefined);
    expect(lines).toEqual([
      expect.stringMatching(
        /^warn .* Redis at cache:6379 is not available \(connect ECONNREFUSED ::1:6379\)/,
      ),
      'log The event log is up again: Redis at cache:6379 is available.',
      expect.stringContaining('(unknown reason)'),
    ]);
  });

  it('repeats a warning once a minute at most', () => {
    const { made, lines, later } = report();
    made.warn('NOPERM');
    later(59_999);
    made.warn('NOPERM');
    later(1);
    made.warn('NOPERM');
    expect(lines).toEqual(['warn NOPERM', 'warn NOPERM']);
  });

  it('logs the address of a wrong URL once, without its credentials', async () => {
    const lines: string[] = [];
    const log = redisLog({ client: 'redis://user:secret@127.0.0.1:1/0' });
    log.useLogger({ log: (line) => lines.push(line), warn: (line) => lines.push(line) });
    await expect(log.ready()).rejects.toMatchObject({ code: 'SSE_LOG_UNAVAILABLE' });
    await until(() => lines.length > 0);
    expect(lines).toEqual([
      expect.stringMatching(/Redis at 127\.0\.0\.1:1 is not available \(.*ECONNREFUSED/),
    ]);
    expect(lines.join()).not.toMatch(/secret|user/);
    log.close();
  });
});
