import { Failure } from '../machinery/failure.mjs';

const CONNECTIONS = 16;
const BODY = '{"hello":"world"}';

/**
 * An ordinary route of the same application, with SseModule (ours) and without (Nest's). All servers run at the same
 * time and alternate every half second, because the difference is smaller than the variation of the machine.
 */
export const otherRoutes = {
  name: 'other-routes',
  title: 'Ordinary routes of the same application',
  servers: ['ours-express', 'ours-fastify', 'nest-express', 'nest-fastify'],
  floor: (server) => server.replace('ours', 'nest'),
  together: true,
  async measureTogether(servers, lab) {
    const sums = new Map(servers.map((server) => [server, { cpu: 0, requests: 0 }]));
    const turn = async (trial, ms) => {
      const request = () =>
        trial.client.ask('request', {
          ...{ port: trial.port, path: '/plain', ms },
          ...{ connections: CONNECTIONS, body: BODY },
        });
      const { result, cpu } = await trial.cpuWhile('plain', request);
      if (result.problem) throw new Failure(`${trial.name}: ${result.problem}`);
      return { cpu, requests: result.requests };
    };
    await lab.trials(servers, async (trials) => {
      for (const trial of trials) await turn(trial, 1500);
      for (let i = 0; i < (lab.quick ? 6 : 20); i++) {
        // Forward and backward, so that effects which grow with time affect all servers equally.
        for (const trial of i % 2 === 0 ? trials : trials.toReversed()) {
          const { cpu, requests } = await turn(trial, 500);
          const sum = sums.get(trial.name);
          sum.cpu += cpu;
          sum.requests += requests;
        }
      }
    });
    return new Map(
      [...sums].map(([server, { cpu, requests }]) => [
        server,
        [{ metric: 'cpuPerRequest', unit: 'µs', value: cpu / requests }],
      ]),
    );
  },
};
