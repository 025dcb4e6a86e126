import { follow } from './follow.js';
import { Pane } from './pane.js';

/** Ten events, and the end of the stream. */
export function startTrpcCpp() {
  const pane = new Pane('trpc-cpp');
  let leave = () => {};
  pane.buttons(
    () => {
      leave();
      pane.clear();
      leave = follow(pane, '/sse/test');
    },
    () => leave(),
  );
}
