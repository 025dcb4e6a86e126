import { Failure } from '../machinery/failure.mjs';

/** The function that makes the event, and the schema that validates it. */
const WAYS = ['none', 'contract', 'zod', 'valibot', 'arktype'];
/** The number of events between two turns of the event loop. */
const SOURCES = [
  { perTurn: 1, name: '.single' },
  { perTurn: 64, name: '.burst' },
];
const WARM_UP_EVENTS = 30_000;

/** One connection with named events from a generator: the cost of a contract, and of validation. */
export const typed = {
  name: 'typed',
  title: 'One connection, named events: without a contract, with one that does not validate, and validated',
  servers: ['ours-express', 'ours-fastify'],
  floor: (server, metric) => [server, `cpuPerEvent.contract.${metric.split('.')[2]}`],
  async measure(server, lab) {
    const measured = [];
    for (const source of SOURCES) measured.push(...(await measureSource(server, lab, source)));
    return measured;
  },
};

function measureSource(server, lab, { perTurn, name }) {
  return lab.trial(server, {}, async (trial) => {
    const record = (way, events) =>
      trial.client.ask('record', {
        port: trial.port,
        path: `/typed-${way}?count=${events}&perTurn=${perTurn}`,
      });
    for (const way of WAYS) await record(way, WARM_UP_EVENTS);
    const { micros } = await record('none', WARM_UP_EVENTS);
    const wanted = (WARM_UP_EVENTS / micros) * 1e6 * (lab.quick ? 0.1 : 0.5);
    const events = Math.round(Math.min(Math.max(wanted, WARM_UP_EVENTS), 500_000));
    // Alternately, several times. Otherwise the variants would be measured at different speeds of the machine.
    const spent = new Map(WAYS.map((way) => [way, 0]));
    const passes = lab.quick ? 1 : 3;
    for (let pass = 0; pass < passes; pass++) {
      for (const way of [...WAYS, ...WAYS.toReversed()]) {
        const { cpu } = await trial.cpuWhile(`typed.${way}${name}`, () => record(way, events));
        spent.set(way, spent.get(way) + cpu);
        const { problem } = await trial.client.ask('checkRecord', { events });
        if (problem) throw new Failure(problem);
      }
    }
    return WAYS.map((way) => ({
      metric: `cpuPerEvent.${way}${name}`,
      unit: 'µs',
      value: spent.get(way) / (events * passes * 2),
    }));
  });
}
