import { SERVERS } from './servers/catalogue.mjs';
import { startNchan } from './servers/nchan.mjs';
import { Child } from './machinery/child-process.mjs';
import { nowMicros } from './machinery/clock.mjs';
import { cpuMicros } from './machinery/operating-system.mjs';
import { summarizeCpu, summarizeHeap } from './machinery/profile-summary.mjs';

const PROFILED_FUNCTIONS = 30;

/** One server and one load client, each in its own process, for one measurement. */
export class Trial {
  /** Starts the pair, passes it to `work`, and always stops it. */
  static async run(server, { settings = {}, execArgv = [], profiles, label }, work) {
    const trial = new Trial();
    Object.assign(trial, { name: server, profiles, label });
    try {
      trial.server = await startServer(server, settings, execArgv);
      trial.client = await Child.start(new URL('client-process.mjs', import.meta.url), {}, [
        '--max-semi-space-size=32',
      ]);
      return await work(trial);
    } finally {
      await trial.client?.stop();
      await trial.server?.stop();
    }
  }

  get port() {
    return this.server.ready.port;
  }
  get controlPort() {
    return this.server.ready.controlPort;
  }
  get isNode() {
    return this.server instanceof Child;
  }

  /** CPU time of the server, and of the client, while `work` runs. */
  async cpuWhile(part, work) {
    const profiled = this.profiles !== undefined && this.isNode;
    if (profiled) await this.server.ask('startProfile');
    const startedAt = nowMicros();
    const [server, client] = [cpuMicros(this.server.pid), cpuMicros(this.client.pid)];
    const result = await work();
    const micros = nowMicros() - startedAt;
    const cpu = cpuMicros(this.server.pid) - server;
    const clientCpu = cpuMicros(this.client.pid) - client;
    if (profiled) await this.#saveProfile(part);
    return { result, cpu, busy: cpu / micros, clientBusy: clientCpu / micros };
  }

  /** The memory that the server allocates while `work` runs and still holds then, if profiles are requested. */
  async heapWhile(part, connections, work) {
    if (this.profiles === undefined || !this.isNode) return work();
    await this.server.ask('startHeapProfile');
    const result = await work();
    const path = this.#profilePath(part, 'heapprofile');
    await this.server.ask('stopHeapProfile', { path });
    print(`${path}, per connection`, summarizeHeap(path, PROFILED_FUNCTIONS, connections));
    return result;
  }

  async #saveProfile(part) {
    const path = this.#profilePath(part, 'cpuprofile');
    await this.server.ask('stopProfile', { path });
    print(path, summarizeCpu(path, PROFILED_FUNCTIONS));
  }

  #profilePath(part, ending) {
    return `${this.profiles}/${this.label}-${this.name}-${part}.${ending}`;
  }
}

async function startServer(name, settings, execArgv) {
  const { file, adapter, settings: own } = SERVERS[name];
  if (file === 'nchan') return startNchan(settings);
  return Child.start(new URL('server-process.mjs', import.meta.url), { file, adapter, ...own, ...settings }, [
    '--expose-gc',
    ...execArgv,
  ]);
}

function print(title, lines) {
  console.log(`\n${title}\n${lines.map((line) => `  ${line}`).join('\n')}\n`);
}
