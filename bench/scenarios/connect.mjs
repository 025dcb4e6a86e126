import { Failure } from '../machinery/failure.mjs';
import { SERVERS, routingFor } from '../servers/catalogue.mjs';

const AT_ONCE = 32;
/** Until then the compiler dominates the figures. The same for every server. */
const WARM_UP_MS = 3000;

/** Connect, take the first event, leave: the cost of a connection itself. */
export const connect = {
  name: 'connect',
  title: 'Connect, first event, close',
  servers: [
    ...['ours-express', 'ours-fastify', 'nest-express', 'nest-fastify', 'better-sse', 'fastify-sse', 'nchan'],
    ...['routing-express', 'routing-fastify', 'raw'],
  ],
  floor: (server) => routingFor(server),
  async measure(server, lab) {
    const measured = await measurePath(server, lab, '/first', '');
    if (!SERVERS[server].isOurs) return measured;
    return [...measured, ...(await measurePath(server, lab, '/first/generator', '.generator'))];
  },
};

function measurePath(server, lab, path, suffix) {
  return lab.trial(server, {}, async (trial) => {
    const visit = (ms) => trial.client.ask('visit', { port: trial.port, path, ms, atOnce: AT_ONCE });
    await visit(lab.quick ? 1000 : WARM_UP_MS);
    const { result, cpu } = await trial.cpuWhile(`connect${suffix}`, () => visit(lab.quick ? 1000 : 4000));
    if (result.problem) throw new Failure(result.problem);
    const metric = (name) => ({ metric: `${name}${suffix}`, of: name });
    return [
      { ...metric('cpuPerConnection'), unit: 'µs', value: cpu / result.visits },
      {
        ...metric('connectionsPerSecond'),
        unit: '1/s',
        value: (result.visits / result.micros) * 1e6,
        more: true,
      },
      { ...metric('p99'), unit: 'ms', value: result.p99 / 1000 },
    ];
  });
}
