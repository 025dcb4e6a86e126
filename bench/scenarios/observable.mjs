import { broadcast } from './fan-out.mjs';

/** One connection, events that an Observable pushes: 64 a turn of the event loop. */
export const observable = {
  name: 'observable',
  title: 'One connection, events from an Observable',
  servers: [
    ...['ours-express', 'ours-fastify', 'ours-express-intercepted', 'nest-express', 'nest-fastify'],
    ...['better-sse', 'fastify-sse', 'raw', 'raw-batched', 'raw-sock-batch'],
  ],
  floor: () => 'raw-batched',
  measure: (server, lab) =>
    lab.trial(server, {}, async (trial) => {
      await broadcast(trial, { clients: 1, perTurn: 64, window: 2048, ms: 500 });
      const run = { clients: 1, perTurn: 64, window: 2048, ms: lab.quick ? 500 : 2000, part: 'observable' };
      const { cpu, delivered, perSecond } = await broadcast(trial, run);
      return [
        { metric: 'cpuPerEvent', unit: 'µs', value: cpu / delivered },
        { metric: 'eventsPerSecond', unit: '1/s', value: perSecond, more: true },
      ];
    }),
};
