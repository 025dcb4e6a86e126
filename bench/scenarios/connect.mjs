import { Failure } from '../machinery/failure.mjs';
import { median } from '../machinery/median.mjs';
import { SERVERS, routingFor } from '../servers/catalogue.mjs';

const AT_ONCE = 32;
/** Until then it is the compiler that is measured; so long for every server. */
const WARM_UP_MS = 3000;
const TURN_MS = 500;
const TURNS = 12;

/**
 * Connect, take the first event, leave: what a connection costs by itself. All servers run at the same time and take
 * turns by the half second: the kernel's part, which is most, differs by a fifth from one minute to the next.
 */
export const connect = {
  name: 'connect',
  title: 'Connect, first event, close',
  servers: [
    ...['ours-express', 'ours-fastify', 'nest-express', 'nest-fastify', 'better-sse', 'fastify-sse', 'nchan'],
    ...['routing-express', 'routing-fastify', 'raw'],
  ],
  floor: (server) => routingFor(server),
  together: true,
  async measureTogether(servers, lab) {
    const ours = servers.filter((server) => SERVERS[server].isOurs);
    const rows = new Map(servers.map((server) => [server, []]));
    await lab.trials([...servers, ...ours], async (trials) => {
      const visits = trials.map((trial, i) =>
        i < servers.length
          ? new Visits(trial, '/first', '')
          : new Visits(trial, '/first/generator', '.generator'),
      );
      for (const all of visits) await all.warmUp(lab.quick ? 500 : WARM_UP_MS);
      for (let i = 0; i < (lab.quick ? 2 : TURNS); i++) {
        // There and back again, so that what grows or falls with time is shared evenly.
        for (const all of i % 2 === 0 ? visits : visits.toReversed()) await all.turn();
      }
      for (const all of visits) {
        const { server, failed } = all;
        // That one server fails is no reason to have no figures of the others.
        if (failed) rows.set(server, failed);
        else if (Array.isArray(rows.get(server))) rows.get(server).push(...all.figures());
      }
    });
    return rows;
  },
};

/** The visits of one path of one server. */
class Visits {
  #turns = [];
  /** What went wrong, if anything did. */
  failed;

  constructor(trial, path, suffix) {
    Object.assign(this, { trial, path, suffix, server: trial.name });
  }

  warmUp(ms) {
    return this.#visit(ms);
  }

  async turn() {
    const { result, cpu } = await this.trial.cpuWhile(`connect${this.suffix}`, () => this.#visit(TURN_MS));
    this.#turns.push({ ...result, cpu });
  }

  figures() {
    const sum = (name) => this.#turns.reduce((total, turn) => total + turn[name], 0);
    const metric = (name) => ({ metric: `${name}${this.suffix}`, of: name });
    const perSecond = (sum('visits') / sum('micros')) * 1e6;
    return [
      { ...metric('cpuPerConnection'), unit: 'µs', value: sum('cpu') / sum('visits') },
      { ...metric('connectionsPerSecond'), unit: '1/s', value: perSecond, more: true },
      { ...metric('p99'), unit: 'ms', value: median(this.#turns.map(({ p99 }) => p99)) / 1000 },
    ];
  }

  async #visit(ms) {
    if (this.failed) return {};
    const { client, port } = this.trial;
    const result = await client.ask('visit', { port, path: this.path, ms, atOnce: AT_ONCE });
    if (result.problem) this.failed = new Failure(result.problem);
    return result;
  }
}
