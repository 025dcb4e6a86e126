import { nextTurn, nowMicros } from './clock.mjs';

/** About 100 bytes on the wire with this padding, 2 KB with the other. */
export const SMALL_PAD = 20;
export const LARGE_PAD = 1_940;

/** The payload of event number `value`: what every server sends. */
export function payload(value, pad = SMALL_PAD) {
  return { type: 'counter', value, timestamp: nowMicros(), pad: 'x'.repeat(pad) };
}

/** Events from a generator that lets the event loop turn after each `perTurn` of them; 0: never. */
export async function* counter(events, perTurn) {
  for (let value = 0; value < events; value++) {
    if (perTurn > 0 && value % perTurn === perTurn - 1) await nextTurn();
    yield { type: 'counter', value, timestamp: Date.now() };
  }
}

/** The same events, all available at once. */
export function* countedNow(events) {
  for (let value = 0; value < events; value++) yield { type: 'counter', value, timestamp: Date.now() };
}

/**
 * Reads a body as an event stream and compares each event with the one that was sent.
 *
 * @returns the first fault. `undefined` if it has the events `first` to `first + count - 1`, complete and in order.
 */
export function problemOf(body, { first = 0, count, pad = 0 }) {
  let next = first;
  let start = 0;
  for (;;) {
    const end = body.indexOf('\n\n', start);
    if (end === -1) break;
    const data = dataOf(body.toString('utf8', start, end));
    start = end + 2;
    if (data === undefined) continue;
    const problem = problemOfEvent(data, next, pad);
    if (problem) return problem;
    next++;
  }
  const rest = body.toString('utf8', start);
  if (dataOf(rest) !== undefined)
    return `the body ends within an event: ${JSON.stringify(rest.slice(0, 80))}`;
  return next - first === count ? undefined : `${next - first} events of ${count} arrived`;
}

function problemOfEvent(data, value, pad) {
  let event;
  try {
    event = JSON.parse(data);
  } catch {
    return `event ${value} is no JSON: ${data.slice(0, 120)}`;
  }
  if (event.value !== value) return `event ${value} is missing: ${event.value} came in its place`;
  const whole =
    event.type === 'counter' && Number.isFinite(event.timestamp) && (event.pad ?? '').length === pad;
  return whole ? undefined : `event ${value} is not as it was sent: ${data.slice(0, 120)}`;
}

function dataOf(block) {
  let data;
  for (const line of block.split('\n')) {
    const value = /^data: ?(.*)$/.exec(line)?.[1];
    if (value !== undefined) data = (data === undefined ? '' : `${data}\n`) + value;
  }
  return data;
}
