import { sleep } from '../machinery/clock.mjs';
import { Failure } from '../machinery/failure.mjs';
import { cpuMicros, residentBytes } from '../machinery/operating-system.mjs';
import { SERVERS, routingFor } from '../servers/catalogue.mjs';

const WARM_UP_CONNECTIONS = 300;
/** A little more than a heartbeat's interval, because no two connections beat at the same moment. */
const INTERVALS = 1.15;

/**
 * V8 does a full collection when the process is idle. Over this many connections that would be half of the cost of
 * heartbeats.
 */
const NO_COLLECTION_WHEN_IDLE = ['--no-memory-reducer'];

/** Connections on which nothing happens but heartbeats. */
export const idle = {
  name: 'idle',
  title: 'Idle connections, a heartbeat every 15 s',
  servers: [
    ...['ours-express', 'ours-fastify', 'nest-express', 'nest-fastify', 'better-sse', 'fastify-sse', 'nchan'],
    ...['routing-express', 'routing-fastify', 'raw', 'raw-sock'],
  ],
  floor: (server, metric) => (metric.startsWith('cpuPerHeartbeat') ? 'raw-sock' : routingFor(server)),
  async measure(server, lab) {
    const measured = await measureVia(server, lab, undefined);
    if (!SERVERS[server].isOurs) return measured;
    return [...measured, ...(await measureVia(server, lab, 'channel'))];
  },
  plots: [
    {
      file: 'idle-heap.svg',
      title: 'Heap held by idle connections',
      x: 'connections',
      y: 'MB',
      metric: /^heapAt\.(\d+)(\.channel)?$/,
    },
    {
      file: 'idle-memory.svg',
      title: 'Resident memory taken by idle connections',
      x: 'connections',
      y: 'MB',
      metric: /^memoryAt\.(\d+)(\.channel)?$/,
    },
  ],
};

function measureVia(server, lab, via) {
  const heartbeatMs = lab.quick ? 4000 : 15_000;
  const work = async (trial) => {
    const { client, port } = trial;
    const [connections] = lab.clients([lab.quick ? 2000 : 10_000]);
    const open = (total) => client.ask('open', { port, path: '/idle', total });
    // The first connections compile the code, whose memory belongs to no connection.
    await open(WARM_UP_CONNECTIONS);
    await client.ask('closeAll');
    await sleep(200);

    const before = await memoryOf(trial);
    let connectCpu = 0;
    const points = [];
    await trial.heapWhile(['idle', via].filter(Boolean).join('-'), connections, async () => {
      for (const part of [0.25, 0.5, 1]) {
        const cpuBefore = cpuMicros(trial.server.pid);
        await open(connections * part);
        connectCpu += cpuMicros(trial.server.pid) - cpuBefore;
        const { heap, resident } = await memoryOf(trial);
        points.push({
          total: connections * part,
          heap: heap - before.heap,
          resident: resident - before.resident,
        });
      }
    });

    // Work left over from connecting is not part of a heartbeat's cost.
    await sleep(500);
    await client.ask('mark');
    const { cpu } = await trial.cpuWhile(['heartbeats', via].filter(Boolean).join('-'), () =>
      sleep(heartbeatMs * INTERVALS),
    );
    const { total, fewest, broken } = await client.ask('heartbeats');
    if (broken > 0) throw new Failure(`${broken} connections broke`);
    if (fewest === 0) throw new Failure('a connection had no heartbeat');

    const suffix = via ? `.${via}` : '';
    const metric = (name) => ({ metric: `${name}${suffix}`, of: name });
    const { heap, resident } = points.at(-1);
    return [
      ...(trial.isNode
        ? [{ ...metric('heapPerConnection'), unit: 'KB', value: heap / connections / 1024 }]
        : []),
      { ...metric('memoryPerConnection'), unit: 'KB', value: resident / connections / 1024 },
      { ...metric('cpuPerHeartbeat'), unit: 'µs', value: cpu / total },
      { ...metric('cpuPerConnect'), unit: 'µs', value: connectCpu / connections },
      ...points.flatMap((point) => [
        ...(trial.isNode
          ? [
              {
                metric: `heapAt.${point.total}${suffix}`,
                unit: 'MB',
                value: point.heap / 2 ** 20,
                plain: true,
              },
            ]
          : []),
        {
          metric: `memoryAt.${point.total}${suffix}`,
          unit: 'MB',
          value: point.resident / 2 ** 20,
          plain: true,
        },
      ]),
    ];
  };
  return lab.trial(server, { via, heartbeatMs }, work, NO_COLLECTION_WHEN_IDLE);
}

async function memoryOf({ server, isNode }) {
  const heap = isNode ? await server.ask('usedHeap') : 0;
  return { heap, resident: residentBytes(server.pid).now };
}
