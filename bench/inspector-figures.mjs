// The cost of the inspector while nobody looks: CPU time for each delivery of a fan-out, with the module and without, in turns.
// Prints; asserts nothing. Needs `npm run build`.
//   node bench/inspector-figures.mjs
import { Trial } from './trial.mjs';
import { broadcast } from './scenarios/fan-out.mjs';

const ROUNDS = 24;
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

for (const via of ['subject', 'channel']) {
  const start = (server, work) => Trial.run(server, { settings: { via } }, work);
  // Two equal servers without the module show how much of a ratio is chance.
  await start('ours-express', (without) =>
    start('ours-express', (control) =>
      start('ours-express-inspected', async (inspected) => {
        const trials = [without, control, inspected];
        const rounds = [];
        for (let round = -1; round < ROUNDS; round++) {
          // Each is first in turn, because the load of the machine drifts.
          const found = [];
          for (let turn = 0; turn < trials.length; turn++) {
            const index = (turn + round + 1) % trials.length;
            found[index] = await measure(trials[index]);
          }
          if (round >= 0) rounds.push(found);
        }
        const ratio = (index) => median(rounds.map((found) => found[index] / found[0])).toFixed(3);
        const micros = (index) => median(rounds.map((found) => found[index])).toFixed(2);
        console.log(
          `${via}: ${micros(0)} µs without, ${micros(1)} µs again without (ratio ${ratio(1)}), ${micros(2)} µs with (ratio ${ratio(2)})`,
        );
      }),
    ),
  );
}
