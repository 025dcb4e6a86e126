import type { OptionRule } from '../checking/option-check.js';
import type { ResolvedOptions } from './sse.options.js';

/** Options of a stream that contradict each other: with both, one of them would never have an effect. */
export const STREAM_RULES: readonly OptionRule<ResolvedOptions>[] = [
  ({ heartbeat, stallMs }) =>
    heartbeat !== false &&
    stallMs !== false &&
    heartbeat.intervalMs > stallMs && {
      option: 'stallMs',
      value: stallMs,
      remedy: `It is shorter than the heartbeat, ${heartbeat.intervalMs}. Use a longer one, or a shorter heartbeat.`,
    },
  ({ timeout, maxDurationMs }) =>
    timeout !== false &&
    maxDurationMs !== false &&
    typeof timeout.afterMs === 'number' &&
    maxDurationMs <= timeout.afterMs && {
      option: 'maxDurationMs',
      value: maxDurationMs,
      remedy: `timeout.afterMs, ${timeout.afterMs}, would never be reached. Use a longer one, or remove one of the two.`,
    },
  ({ revalidateMs, maxDurationMs }) =>
    revalidateMs !== false &&
    maxDurationMs !== false &&
    maxDurationMs <= revalidateMs && {
      option: 'maxDurationMs',
      value: maxDurationMs,
      remedy:
        `The guards would never run again after revalidateMs, ${revalidateMs}. ` +
        'Use a longer one, or remove revalidateMs: a client that reconnects meets the guards anyway.',
    },
  ({ limits }) => {
    const ofProcess = limits.find(({ key }) => key === 'process');
    // A limit of the module also counts on routes that have no such limit.
    const beyond = limits.find(
      ({ max, shared }) => ofProcess && max > ofProcess.max && (ofProcess.shared || !shared),
    );
    return (
      beyond && {
        option: `${beyond.name}.max`,
        value: beyond.max,
        remedy: `The limit of the process is ${ofProcess?.max}, so it would never be reached. Use a lower one, or raise that.`,
      }
    );
  },
];
