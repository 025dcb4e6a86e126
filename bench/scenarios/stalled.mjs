import { forgetPeak, residentBytes } from '../machinery/operating-system.mjs';
import { LARGE_PAD } from '../machinery/payload.mjs';
import { SERVERS } from '../servers/catalogue.mjs';
import { broadcast } from './fan-out.mjs';

const LIVE = 10;
const STALLED = 50;
/** Events a second. */
const RATE = 1500;
/** The limit for a server that never disconnects a client. It then stops where others would have crashed. */
const HEAP_LIMIT = '--max-old-space-size=4096';

/** Clients that stop reading, beside others that continue: the memory for the former, and the delay for the latter. */
export const stalled = {
  name: 'stalled',
  title: `${STALLED} stalled clients, events of 2 KB, ${LIVE} clients that read`,
  servers: [
    ...['ours-express', 'ours-fastify', 'nest-express', 'nest-fastify', 'better-sse', 'fastify-sse', 'nchan'],
    ...['raw', 'raw-sock'],
  ],
  floor: () => 'raw-sock',
  async measure(server, lab) {
    const measured = await measureVia(server, lab, undefined);
    if (!SERVERS[server].isOurs) return measured;
    return [...measured, ...(await measureVia(server, lab, 'channel'))];
  },
};

function measureVia(server, lab, via) {
  const work = async (trial) => {
    const max = lab.quick ? 5000 : 10_000;
    const run = { clients: LIVE, pad: LARGE_PAD, rate: RATE, max, window: 500, ms: (max / RATE) * 3000 };
    await broadcast(trial, { ...run, max: 1500 });
    const without = await broadcast(trial, { ...run, max: max / 2 });

    await trial.client.ask('stall', { port: trial.port, path: '/subscribe', total: STALLED });
    if (trial.isNode) await trial.server.ask('usedHeap');
    const { now } = residentBytes(trial.server.pid);
    forgetPeak(trial.server.pid);
    const part = ['stalled', via].filter(Boolean).join('-');
    const during = await broadcast(trial, { ...run, part });
    const { peak } = residentBytes(trial.server.pid);
    const { closed } = await trial.client.ask('wake', { withinMs: 1500 });
    const suffix = via ? `.${via}` : '';
    const metric = (name) => ({ metric: `${name}${suffix}`, of: name });
    return [
      { ...metric('peakGrowth'), unit: 'MB', value: (peak - now) / 2 ** 20 },
      { ...metric('p99'), unit: 'ms', value: during.p99 / 1000 },
      { ...metric('p99Unstalled'), unit: 'ms', value: without.p99 / 1000 },
      { ...metric('cpuPerEvent'), unit: 'µs', value: during.cpu / during.sent },
      // A server that waits for stalled clients publishes fewer events.
      { ...metric('sent'), unit: 'events', value: during.sent, plain: true },
      { ...metric('cutOff'), unit: 'clients', value: closed, plain: true },
    ];
  };
  return lab.trial(server, { via }, work, [HEAP_LIMIT]);
}
