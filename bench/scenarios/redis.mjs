import { cpuMicros } from '../machinery/operating-system.mjs';
import { isInstalled, withRedis } from '../servers/redis-server.mjs';
import { broadcast } from './fan-out.mjs';
import { comeBack } from './resume.mjs';

/**
 * One node publishes to a channel, another one has the clients, Redis is between them. The second node's cost of a
 * delivery, or of a reconnect, is compared with a channel whose log is in its own memory.
 */
export const redis = {
  name: 'redis',
  title: 'Fan-out from another node, and clients that resume, over the Redis log',
  servers: ['ours-express', 'ours-fastify'],
  missing: () => (isInstalled() ? undefined : 'redis-server is not installed'),
  floor: (server, metric) => [server, metric.replace(/^(\w+)\./, '$1.memory.')],
  async measure(server, lab) {
    const measured = [];
    const [clients] = lab.clients([lab.quick ? 300 : 1000]);
    for (const perTurn of [1, 16]) {
      const run = { clients, perTurn, window: perTurn > 1 ? 4 * perTurn : 32, ms: lab.quick ? 800 : 2500 };
      const local = await lab.trial(server, { via: 'channel' }, (trial) => warmAndMeasure(trial, trial, run));
      const remote = await withRedis((log) => throughRedis(server, lab, run, log));
      measured.push(
        { metric: `cpuPerDelivery.${perTurn}`, unit: 'µs', value: remote.cpu / remote.delivered },
        { metric: `p99.${perTurn}`, unit: 'ms', value: remote.p99 / 1000 },
        { metric: `deliveriesPerSecond.${perTurn}`, unit: '1/s', value: remote.perSecond, more: true },
        {
          metric: `redisCpuPerEvent.${perTurn}`,
          unit: 'µs',
          value: remote.redisCpu / remote.sent,
          plain: true,
        },
        {
          metric: `cpuPerDelivery.memory.${perTurn}`,
          unit: 'µs',
          value: local.cpu / local.delivered,
          plain: true,
        },
        { metric: `p99.memory.${perTurn}`, unit: 'ms', value: local.p99 / 1000, plain: true },
        { metric: `deliveriesPerSecond.memory.${perTurn}`, unit: '1/s', value: local.perSecond, plain: true },
      );
    }
    return [...measured, ...(await resumes(server, lab))];
  },
};

async function resumes(server, lab) {
  const via = 'channel';
  const local = await lab.trial(server, { via }, (trial) => comeBack(trial, lab, 'resume-memory'));
  const shared = await withRedis(({ url }) =>
    lab.trial(server, { via, redisUrl: url }, (trial) => comeBack(trial, lab, 'resume')),
  );
  return [
    { metric: 'cpuPerClient.resume', unit: 'µs', value: shared.cpuPerClient },
    { metric: 'untilAllHaveAll.resume', unit: 'ms', value: shared.ms },
    { metric: 'cpuPerClient.memory.resume', unit: 'µs', value: local.cpuPerClient, plain: true },
    { metric: 'untilAllHaveAll.memory.resume', unit: 'ms', value: local.ms, plain: true },
  ];
}

function throughRedis(server, lab, run, { url, pid }) {
  const settings = { via: 'channel', redisUrl: url };
  return lab.trial(server, settings, (publishing) =>
    lab.trial(server, settings, (serving) => warmAndMeasure(serving, publishing, run, pid)),
  );
}

/** The clients are at `serving`, the events come from `publishing`. */
async function warmAndMeasure(serving, publishing, run, redisPid) {
  const trial = {
    client: serving.client,
    port: serving.port,
    server: publishing.server,
    controlPort: publishing.controlPort,
    cpuWhile: (part, work) => serving.cpuWhile(part, work),
  };
  await broadcast(trial, { ...run, ms: run.ms / 3 });
  const redisCpu = () => (redisPid === undefined ? 0 : cpuMicros(redisPid));
  const before = redisCpu();
  const result = await broadcast(trial, { ...run, part: `${run.perTurn}` });
  return { ...result, redisCpu: redisCpu() - before };
}
