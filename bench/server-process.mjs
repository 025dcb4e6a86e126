// One server under test, in its own process. A file in servers/ defines what it serves.
import { answer, givenSettings } from './machinery/child-process.mjs';
import { sleep } from './machinery/clock.mjs';
import { Profiler } from './machinery/profiler.mjs';
import { Publisher } from './machinery/publisher.mjs';

const settings = givenSettings();
const { start } = await import(`./servers/${settings.file}.mjs`);
const { port, publish, resumeId } = await start(settings);
const publisher = new Publisher(publish);
const profiler = new Profiler();

answer(
  {
    publish: (args) => publisher.run(args),
    // Earlier events count for the log that a resume reads. No client is connected then.
    fillLog: ({ events }) => publisher.run({ ms: 60_000, max: events, perTurn: 100 }),
    resumeId: ({ after }) => resumeId(after),
    async usedHeap() {
      // Memory that finalizers release is freed in a later collection.
      for (let i = 0; i < 4; i++) {
        globalThis.gc();
        await sleep(50);
      }
      return process.memoryUsage().heapUsed;
    },
    startProfile: () => profiler.start(),
    stopProfile: (args) => profiler.stop(args),
    startHeapProfile: () => profiler.startHeap(),
    stopHeapProfile: (args) => profiler.stopHeap(args),
  },
  { port, controlPort: await publisher.listen() },
);
