import { make, part } from './dom.js';
import { Pane } from './pane.js';

/** Ten events, and the end of the stream. */
export function startSmallest() {
  const pane = new Pane('smallest');
  const list = part('smallest-events');
  pane.on('smallest-start', async () => {
    pane.restart();
    list.replaceChildren();
    await pane.read(
      '/sse/test',
      ({ type, id, data }) => list.append(make('li', '', make('b', '', `${type} ${id}`), data)),
      { ended: 'The stream has ended, and the client does not reconnect' },
    );
  });
}
