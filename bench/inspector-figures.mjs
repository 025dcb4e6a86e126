// The cost of the inspector while nobody looks: CPU time for each delivery of a fan-out, with the module and without, in turns.
// Prints; asserts nothing. Needs `npm run build`.
//   node bench/inspector-figures.mjs
import { Trial } from './trial.mjs';
import { broadcast } from './scenarios/fan-out.mjs';

/** Each set has new processes, because a process keeps for life what its compiler has decided early. */
const SETS = 8;
const ROUNDS = 5;
const CLIENTS = 500;
const MS = 700;

const median = (values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2;
};

/** Microseconds of the server for each delivery. */
async function measure(trial) {
  await trial.client.ask('closeAll');
  const { cpu, delivered } = await broadcast(trial, {
    clients: CLIENTS,
    perTurn: 1,
    window: 32,
    ms: MS,
    part: 'fan-out',
  });
  return cpu / delivered;
}

/** One set of three servers. Two of them are equal and without the module: they show how much of a ratio is chance. */
async function compare(via) {
  const rounds = [];
  const start = (server, work) => Trial.run(server, { settings: { via } }, work);
  await start('ours-express', (without) =>
    start('ours-express', (control) =>
      start('ours-express-inspected', async (inspected) => {
        const trials = [without, control, inspected];
        for (let round = -1; round < ROUNDS; round++) {
          // Each is first in turn, because the load of the machine drifts.
          const found = [];
          for (let turn = 0; turn < trials.length; turn++) {
            const index = (turn + round + 1) % trials.length;
            found[index] = await measure(trials[index]);
          }
          if (round >= 0) rounds.push(found);
        }
      }),
    ),
  );
  const micros = (index) => median(rounds.map((found) => found[index]));
  return { without: micros(0), control: micros(1), inspected: micros(2) };
}

for (const via of ['subject', 'channel']) {
  const sets = [];
  for (let set = 0; set < SETS; set++) sets.push(await compare(via));
  const ratios = (server) => sets.map((found) => found[server] / found.without).toSorted((a, b) => a - b);
  const words = (server) => {
    const all = ratios(server);
    return `${median(all).toFixed(3)} (${all[0].toFixed(2)} to ${all.at(-1).toFixed(2)})`;
  };
  const base = median(sets.map(({ without }) => without)).toFixed(2);
  console.log(
    `${via}: ${base} µs without; again without ${words('control')}; with the module ${words('inspected')}`,
  );
}
