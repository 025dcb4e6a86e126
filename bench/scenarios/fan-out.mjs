import { Failure } from '../machinery/failure.mjs';
import { SMALL_PAD } from '../machinery/payload.mjs';
import { SERVERS } from '../servers/catalogue.mjs';

/** The same event to many connections, one a turn of the event loop. */
export const fanOut1 = fanOut({ name: 'fanout-1', perTurn: 1, floor: 'raw-sock' });
/** 16 events a turn, which can be written together. */
export const fanOut16 = fanOut({ name: 'fanout-16', perTurn: 16, floor: 'raw-sock-batch' });

function fanOut({ name, perTurn, floor }) {
  return {
    name,
    title: `Fan-out, ${perTurn} event${perTurn > 1 ? 's' : ''} a turn`,
    servers: [
      ...['ours-express', 'ours-fastify', 'ours-express-intercepted', 'nest-express', 'nest-fastify'],
      ...['better-sse', 'fastify-sse', 'nchan', 'raw', 'raw-batched', 'raw-sock', 'raw-sock-batch'],
    ],
    floor: () => floor,
    async measure(server, lab) {
      const measured = await measureVia(server, lab, perTurn, undefined);
      if (!SERVERS[server].isOurs) return measured;
      return [...measured, ...(await measureVia(server, lab, perTurn, 'channel'))];
    },
    plots: [
      {
        file: `${name}.svg`,
        title: `CPU time per delivery, ${perTurn} event${perTurn > 1 ? 's' : ''} a turn`,
        x: 'clients',
        y: 'µs per delivery',
        metric: /^cpuPerDelivery\.(\d+)(\.channel)?$/,
        logarithmic: true,
      },
    ],
  };
}

function measureVia(server, lab, perTurn, via) {
  return lab.trial(server, { via }, async (trial) => {
    const measured = [];
    const ms = lab.quick ? 800 : 2500;
    for (const clients of lab.clients(lab.quick ? [100, 1000] : [100, 1000, 5000])) {
      // All at once: Nest counts the events of each connection, and calls them by that number.
      await trial.client.ask('closeAll');
      const run = { clients, perTurn, window: windowFor(clients, perTurn) };
      await broadcast(trial, { ...run, ms: ms / 3 });
      const part = [clients, via].filter(Boolean).join('-');
      const { cpu, delivered, perSecond, p99 } = await broadcast(trial, { ...run, ms, part });
      const suffix = `${clients}${via ? `.${via}` : ''}`;
      const of = (metric) => ({ metric: `${metric}.${suffix}`, of: `${metric}.${clients}` });
      measured.push(
        { ...of('cpuPerDelivery'), unit: 'µs', value: cpu / delivered },
        { ...of('deliveriesPerSecond'), unit: '1/s', value: perSecond, more: true },
        { ...of('p99'), unit: 'ms', value: p99 / 1000 },
      );
    }
    return measured;
  });
}

/** The number of events under way: enough to keep the server busy, small enough that no client falls behind. */
function windowFor(clients, perTurn) {
  if (perTurn > 1) return 4 * perTurn;
  return clients > 1000 ? 8 : 32;
}

/** Publishes to `clients` connections for `ms`, and checks that each received every byte. */
export async function broadcast(trial, { clients, part, ms, ...pace }) {
  const { client, server, port, controlPort } = trial;
  await client.ask('open', { port, controlPort, path: '/subscribe', total: clients });
  await client.ask('mark');
  const publish = async () => {
    const { sent, startedAt } = await server.ask('publish', { ms, ...pace });
    return { sent, startedAt, ...(await client.ask('settled', { events: sent })) };
  };
  const { result, cpu } = part ? await trial.cpuWhile(part, publish) : { result: await publish() };
  const problem = await client.ask('verify', { events: result.sent, pad: pace.pad ?? SMALL_PAD });
  if (problem) throw new Failure(problem);
  if (result.lost > 0) throw new Failure(`${result.lost} deliveries of ${result.sent * clients} were lost`);
  const perSecond = (result.delivered / (result.at - result.startedAt)) * 1e6;
  return { ...result, cpu, perSecond };
}
