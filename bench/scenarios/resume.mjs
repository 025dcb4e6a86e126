import { Failure } from '../machinery/failure.mjs';
import { SMALL_PAD } from '../machinery/payload.mjs';
import { SERVERS } from '../servers/catalogue.mjs';

const LOGGED = 1000;
const MISSED = 500;
const AT_ONCE = 250;
const REPEATS = 3;

/** A thousand clients reconnect at once, each with its last event ID, and get the 500 events that they missed. */
export const resume = {
  name: 'resume',
  title: '1000 clients resume at once, 500 events each',
  servers: [
    ...['ours-express', 'ours-fastify', 'nest-express', 'nest-fastify', 'better-sse', 'fastify-sse'],
    ...['raw', 'raw-batched', 'raw-sock-batch'],
  ],
  floor: () => 'raw-sock-batch',
  async measure(server, lab) {
    const measured = await measureVia(server, lab, undefined);
    if (!SERVERS[server].isOurs) return measured;
    return [...measured, ...(await measureVia(server, lab, 'channel'))];
  },
};

function measureVia(server, lab, via) {
  return lab.trial(server, { via }, async (trial) => {
    const { cpuPerClient, ms } = await comeBack(trial, lab, ['resume', via].filter(Boolean).join('-'));
    const metric = (name) => (via ? { metric: `${name}.${via}`, of: name } : { metric: name });
    return [
      { ...metric('cpuPerClient'), unit: 'µs', value: cpuPerClient },
      { ...metric('untilAllHaveAll'), unit: 'ms', value: ms },
    ];
  });
}

/** All clients reconnect at once, several times: the cost of each, and the time until all have everything. */
export async function comeBack(trial, lab, part) {
  const { client, server, port } = trial;
  const [clients] = lab.clients([lab.quick ? 300 : 1000]);
  await server.ask('fillLog', { events: LOGGED });
  const lastEventId = await server.ask('resumeId', { after: LOGGED - MISSED });
  const come = async (total) => {
    const result = await client.ask('receive', {
      ...{ port, path: '/resume', total, atOnce: AT_ONCE, events: MISSED },
      headers: { 'Last-Event-ID': lastEventId },
    });
    const expected = { first: LOGGED - MISSED, events: MISSED, pad: SMALL_PAD };
    const problem = await client.ask('verify', expected);
    await client.ask('closeAll');
    if (problem) throw new Failure(problem);
    return result;
  };
  await come(100);
  let micros = 0;
  const { cpu } = await trial.cpuWhile(part, async () => {
    for (let i = 0; i < REPEATS; i++) micros += (await come(clients)).micros;
  });
  return { cpuPerClient: cpu / (clients * REPEATS), ms: micros / REPEATS / 1000 };
}
