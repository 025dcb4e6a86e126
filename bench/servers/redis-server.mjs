// A Redis for this run, without persistence, for the event log that several nodes share.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freePort, untilListening } from '../machinery/free-port.mjs';

const REDIS = process.env.BENCH_REDIS ?? 'redis-server';

/** Whether Redis is installed here. */
export function isInstalled() {
  return spawnSync(REDIS, ['--version']).status === 0;
}

/** Starts Redis, passes its address and process ID to `work`, and always stops it. */
export async function withRedis(work) {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'];
  const redis = spawn(REDIS, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  try {
    await untilListening(port);
    return await work({ url: `redis://127.0.0.1:${port}`, pid: redis.pid });
  } finally {
    redis.kill('SIGKILL');
    if (redis.exitCode === null && redis.signalCode === null) await once(redis, 'exit');
  }
}
