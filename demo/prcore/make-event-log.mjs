// Writes event-log.csv: the loan applications of one quarter. The generator is seeded, so a second run writes the same
// bytes. Run it from the package root: node demo/prcore/make-event-log.mjs
//
// The process has the properties of real logs that a predictor must handle. It has loops: missing documents, and offers
// that are negotiated. It has choices that depend on the kind of loan and on earlier steps, and two tasks in either
// order. Applicants withdraw at any time. There are office hours, and cases overlap in time.
import { writeFileSync } from 'node:fs';

const SEED = 20230102;
const CASES = 420;
const MINUTE_MS = 60_000;
const START_MS = Date.UTC(2023, 0, 2, 8);

const random = mulberry32(SEED);
const chance = (probability) => random() < probability;
const pick = (list) => list[Math.floor(random() * list.length)];

function mulberry32(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/**
 * The activities of one case, in order. An applicant may cancel before any step that requires an answer of the
 * applicant.
 */
function* activities() {
  const mortgage = chance(0.35);
  yield 'Submit application';
  yield 'Check completeness';
  for (let round = 0; chance(round === 0 ? 0.4 : 0.2) && round < 3; round++) {
    yield 'Request documents';
    if (chance(0.12)) return yield 'Cancel application';
    yield 'Receive documents';
    yield 'Check completeness';
  }
  const checks = chance(0.75)
    ? ['Check credit history', 'Verify income']
    : ['Verify income', 'Check credit history'];
  yield* checks;
  if (mortgage) yield 'Appraise collateral';
  yield 'Assess risk';
  const review = chance(mortgage ? 0.3 : 0.12);
  if (review) yield 'Review manually';
  if (chance(review ? 0.5 : 0.14)) {
    yield 'Reject application';
    return yield 'Archive case';
  }
  yield 'Send offer';
  for (let round = 0; chance(round === 0 ? 0.3 : 0.15) && round < 3; round++) {
    yield 'Receive counter-offer';
    if (chance(0.15)) yield 'Assess risk';
    yield 'Send offer';
  }
  if (chance(0.15)) return yield 'Cancel application';
  yield 'Accept offer';
  if (mortgage) yield 'Register mortgage';
  yield 'Disburse loan';
  yield 'Archive case';
}

const DESKS = {
  'Submit application': ['web', 'web', 'branch'],
  'Receive documents': ['web', 'post'],
  'Receive counter-offer': ['web', 'branch'],
  'Accept offer': ['web', 'branch'],
  'Cancel application': ['web', 'branch'],
  'Review manually': ['senior1', 'senior2'],
};
const CLERKS = ['clerk1', 'clerk2', 'clerk3', 'clerk4'];

/** The next time at which the office is open: Monday to Friday, 8:00 to 18:00 UTC. */
function officeHours(ms) {
  const date = new Date(ms);
  if (date.getUTCHours() >= 18) date.setUTCHours(32, date.getUTCMinutes());
  if (date.getUTCHours() < 8) date.setUTCHours(8);
  while (date.getUTCDay() === 0 || date.getUTCDay() === 6) date.setUTCDate(date.getUTCDate() + 1);
  return date.getTime();
}

const lines = ['case_id,activity,timestamp,resource'];
let arrival = START_MS;
for (let number = 1; number <= CASES; number++) {
  arrival = officeHours(arrival + Math.ceil(random() * 90) * MINUTE_MS);
  let now = arrival;
  for (const activity of activities()) {
    const stamp = new Date(now).toISOString().replace('.000', '');
    lines.push(`L${String(number).padStart(4, '0')},${activity},${stamp},${pick(DESKS[activity] ?? CLERKS)}`);
    now = officeHours(now + Math.ceil(-Math.log(1 - random()) * 240) * MINUTE_MS);
  }
}
writeFileSync(new URL('event-log.csv', import.meta.url), `${lines.join('\n')}\n`);
