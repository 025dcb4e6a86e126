import { addLine, make, part } from './dom.js';
import { Pane } from './pane.js';
import { setCurl, showSource } from './sources.js';

const KEPT = 300;
const LONGEST = 300;

/** The other streams of RAT Engine, one at a time, as a list of events with their names. */
export function startRoutes() {
  const pane = new Pane('routes');
  const route = part('routes-route');
  const list = part('routes-events');
  const panel = pane.section.querySelector('[data-behind]');
  const url = () => route.selectedOptions[0].dataset.path;

  route.addEventListener('change', () => {
    setCurl(panel, `curl -N {origin}${url()}`);
    void showSource(panel, route.value);
  });
  pane.on('routes-start', async () => {
    pane.restart();
    list.replaceChildren();
    await pane.read(
      url(),
      ({ type, data }) => {
        const text = data.length > LONGEST ? `${data.slice(0, LONGEST)} … (${data.length} characters)` : data;
        addLine(list, make('li', '', make('span', `name ${type}`, type), text), KEPT);
      },
      { ended: 'The stream has ended, and the client does not reconnect' },
    );
  });
}
