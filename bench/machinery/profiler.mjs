import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { dirname } from 'node:path';

const CPU_SAMPLE_MICROS = 200;
const HEAP_SAMPLE_BYTES = 1024;

/** Profiles of this process over part of its life. */
export class Profiler {
  #session;

  async start() {
    const session = this.#connect();
    await session.post('Profiler.enable');
    await session.post('Profiler.setSamplingInterval', { interval: CPU_SAMPLE_MICROS });
    await session.post('Profiler.start');
  }

  async stop({ path }) {
    const { profile } = await this.#session.post('Profiler.stop');
    write(path, profile);
  }

  /** From here on, records which functions allocate the memory that is still in use at the end. */
  async startHeap() {
    await this.#connect().post('HeapProfiler.startSampling', { samplingInterval: HEAP_SAMPLE_BYTES });
  }

  async stopHeap({ path }) {
    const { profile } = await this.#session.post('HeapProfiler.stopSampling');
    write(path, profile);
  }

  #connect() {
    if (!this.#session) {
      this.#session = new Session();
      this.#session.connect();
    }
    return this.#session;
  }
}

function write(path, profile) {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, JSON.stringify(profile));
}
