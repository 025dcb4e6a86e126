import { make, newId, part, setEnabled } from './dom.js';
import { request } from './request.js';

/** Seconds for which the page watches whether the browser reconnects. */
const WATCH_S = 10;

/** Reads a stream that ends with the stock `EventSource`, and counts the requests that the browser makes. */
export function startFinish() {
  const button = part('finish-start');
  const list = part('finish-requests');
  const result = part('finish-result');
  button.addEventListener('click', () => {
    setEnabled(button, false);
    list.replaceChildren();
    result.textContent = '';
    const reader = newId();
    const progress = make('li', '', 'Request 1: connecting');
    list.append(progress);
    const source = new EventSource(`/live/finite?reader=${reader}`);
    source.addEventListener('step', ({ data }) => {
      const { step, of } = JSON.parse(data);
      progress.textContent = `Request 1: 200, event ${step} of ${of}`;
    });
    source.addEventListener('error', () => {
      if (source.readyState !== EventSource.CLOSED) return;
      list.append(make('li', '', 'Request 2: 204, and the browser closes the EventSource'));
      void watch(reader, list, result).finally(() => setEnabled(button, true));
    });
  });
}

/** Counts the seconds in the list. The verdict alone is in the live region, so a screen reader reads nothing else. */
async function watch(reader, list, result) {
  const line = make('li');
  list.append(line);
  let atEnd;
  for (let second = 0; ; second++) {
    const { requests } = await request('GET', `/live/finite/requests/${reader}`);
    atEnd ??= requests;
    line.textContent = `Requests after ${second} of ${WATCH_S} s: ${requests}`;
    if (second === WATCH_S) {
      const verdict = requests > atEnd ? 'It has reconnected.' : 'It does not reconnect.';
      result.textContent = `Requests of the browser within ${second} s: ${requests}. ${verdict}`;
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
