// A Redis of its own, without anything on disk, for the event log that several nodes share.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { freePort, untilListening } from '../machinery/free-port.mjs';

const REDIS = process.env.BENCH_REDIS ?? 'redis-server';

/** Whether Redis is installed here. */
export function isInstalled() {
  return spawnSync(REDIS, ['--version']).status === 0;
}

/** Starts Redis, hands its address and process id to `work`, and ends it whatever happens. */
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
