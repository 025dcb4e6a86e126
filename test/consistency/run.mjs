// The consistency check; README.md says what it proves. Needs `npm run build`, a redis-server on the PATH, and a PostgreSQL server.
import { check } from './checker.mjs';
import { readOptions } from './options.mjs';
import { hasPostgresServer } from '../fixtures/postgres-server.mjs';
import { hasRedisServer } from './redis-server.mjs';
import { account, summary } from './report.mjs';
import { Scenario } from './scenario.mjs';

/** The setup for each log. The memory log keeps few events, and batches are large, so that events are evicted early. */
const SPECIAL = {
  redis: { most: 8, pace: 1 },
  // The demo has @redis/client.
  ioredis: { most: 8, pace: 1, app: 'small' },
  postgres: { most: 8, pace: 1 },
  memory: { most: 25, pace: 2, keepEvents: 60 },
};

const { logs, ...options } = readOptions(process.argv.slice(2));
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    console.error(`Stopped by ${signal}, with nothing shown.`);
    process.exit(130);
  });
}
let failed = false;
for (const log of logs) {
  const missing = missingServer(log);
  if (missing) {
    console.error(`\n!!! SKIPPED, there is no server: apt-get install ${missing}\n`);
    failed ||= process.env.CI === 'true';
    continue;
  }
  failed = !(await holds(log)) || failed;
}
process.exit(failed ? 1 : 0);

/** The Debian package of the server that a log needs and that is not there. */
function missingServer(log) {
  if (log !== 'postgres' && log !== 'memory' && !hasRedisServer()) return 'redis-server';
  return log === 'postgres' && !hasPostgresServer() ? 'postgresql' : undefined;
}

async function holds(log) {
  const { clients, channels, seed } = options;
  console.log(`${log}: ${clients} clients, ${channels} channels, --seed ${seed}`);
  const scenario = new Scenario({ ...options, ...SPECIAL[log], log });
  await scenario.run();
  const verdict = check(scenario.history.channels);
  console.log(summary(scenario, verdict).join('\n'));
  const right = verdict.violations.length === 0 && scenario.history.troubles.length === 0;
  if (!right) console.log(account(scenario, verdict).join('\n'));
  console.log(
    `${log}: ${right ? 'every event arrived once and in order, or a gap said so' : `WRONG, --seed ${seed}`}`,
  );
  return right;
}
