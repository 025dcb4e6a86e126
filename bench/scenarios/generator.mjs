import { Failure } from '../machinery/failure.mjs';
import { residentBytes } from '../machinery/operating-system.mjs';

/** The number of events between two turns of the event loop, and the name of each variant. */
const SOURCES = [
  { perTurn: 64, name: '' },
  { perTurn: 1, name: '.single' },
  { perTurn: 0, name: '.busy' },
];
/** The values of these servers are all available: nothing is awaited. */
const SYNCHRONOUS = ['raw', 'raw-batched'];
const WARM_UP_EVENTS = 30_000;

/** One connection with small JSON events from an async generator, as fast as the client reads. */
export const generator = {
  name: 'generator',
  title: 'One connection, events from an async generator',
  servers: [
    ...['ours-express', 'ours-fastify', 'ours-express-intercepted', 'nest-express', 'nest-fastify'],
    ...['better-sse', 'fastify-sse', 'raw', 'raw-pull', 'raw-batched'],
  ],
  /** With one event a turn there is nothing to join, so only the same source can be a floor. */
  floor: (server, metric) =>
    metric.endsWith('.single') ? ['raw-pull'] : ['raw-batched', metric.split('.')[0]],
  async measure(server, lab) {
    const measured = [];
    const sources = SYNCHRONOUS.includes(server) ? SOURCES.slice(0, 1) : SOURCES;
    for (const source of sources) measured.push(...(await measureSource(server, lab, source)));
    return measured;
  },
};

function measureSource(server, lab, { perTurn, name }) {
  return lab.trial(server, {}, async (trial) => {
    const record = (events) =>
      trial.client.ask('record', {
        port: trial.port,
        path: `/generator?count=${events}&perTurn=${perTurn}`,
      });
    await record(WARM_UP_EVENTS);
    const { micros } = await record(WARM_UP_EVENTS);
    const wanted = (WARM_UP_EVENTS / micros) * 1e6 * (lab.quick ? 0.4 : 2);
    const events = Math.round(Math.min(Math.max(wanted, WARM_UP_EVENTS), 1_000_000));

    const { result, cpu } = await trial.cpuWhile(`generator${name}`, () => record(events));
    const { problem, bytes } = await trial.client.ask('checkRecord', { events });
    if (problem) throw new Failure(problem);
    return [
      { metric: `cpuPerEvent${name}`, unit: 'µs', value: cpu / events },
      { metric: `eventsPerSecond${name}`, unit: '1/s', value: (events / result.micros) * 1e6, more: true },
      { metric: `peakMemory${name}`, unit: 'MB', value: residentBytes(trial.server.pid).peak / 2 ** 20 },
      { metric: `bytesPerEvent${name}`, unit: 'B', value: bytes / events, plain: true },
    ];
  });
}
