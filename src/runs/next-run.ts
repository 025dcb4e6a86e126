import type { MakeReader, Waiting } from '../channels/waiting-reader.js';
import type { RunControl } from './run-control.js';
import type { CurrentRun, RunState } from './run-state.js';

/**
 * Waits for the next run of an id: the first one that is not the current run of its control channel. `attach` makes its reader.
 * An error of `attach`, such as a contract that is not that of the run, ends the wait.
 */
export function nextRun(
  control: RunControl,
  signal: AbortSignal | undefined,
  attach: (current: CurrentRun, ended: RunState['ended']) => Promise<MakeReader>,
): Waiting {
  const before = control.state.current?.run;
  return {
    signal,
    start: (found, failed) => {
      const look = (): void => {
        const { current, ended } = control.state;
        if (!current || current.run === before) return;
        stop();
        attach(current, ended).then(found).catch(failed);
      };
      const unfollow = control.follow({ onRecord: look, missed: () => undefined });
      let waits = true;
      // Called once: the view of the run follows the same channel afterwards.
      const stop = (): void => {
        if (waits) unfollow();
        waits = false;
      };
      return stop;
    },
  };
}
