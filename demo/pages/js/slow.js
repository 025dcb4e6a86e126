import { connect } from 'nestjs-event-stream/client';
import { loadEvents } from '../../live/load-events.ts';
import { part, setEnabled } from './dom.js';
import { admit } from './open-streams.js';

/** Milliseconds for which the slow reader rests after each event. */
const REST_MS = 150;
/** The load is large, so it ends by itself. */
const LONGEST_MS = 45_000;
/** Number of events behind from which the page explains it. */
const SHOWN_BEHIND = 60;
/** A name for the list of open streams, which stops a pane with `stop()`. */
const self = { stop: (text) => stopAll(text) };
let stopAll = () => {};

/** Two readers of one fast channel. One of them is slow, and the other does not notice. */
export function startSlow() {
  const start = part('slow-start');
  const stop = part('slow-stop');
  // The figures change all the time, so they are not in the live region. It gets one sentence for each change of state.
  const say = (text) => {
    const place = part('slow-result');
    if (place.textContent !== text) place.textContent = text;
  };

  start.addEventListener('click', async () => {
    const ending = new AbortController();
    const { signal } = ending;
    let reason = 'Stopped';
    stopAll = (text) => {
      reason = text ?? reason;
      ending.abort();
    };
    const late = setTimeout(() => stopAll(`Stopped after ${LONGEST_MS / 1000} s`), LONGEST_MS);
    setEnabled(start, false);
    setEnabled(stop, true);
    say('The buffers of the browser and the network fill first.');
    const other = { count: 0, last: 0, missed: 0 };
    const me = { count: 0, last: 0, missed: 0 };
    const draw = () => {
      const behind = Math.max(0, other.last - me.last);
      part('slow-other').textContent = `${other.count} events, ${other.missed} missed`;
      part('slow-me').textContent = `${me.count} events, ${behind} behind, ${me.missed} missed`;
      part('slow-waiting').textContent = part('strip-waiting').textContent;
      if (me.missed > 0) say('The slow client has missed events, and the stream reports how many.');
      else if (behind > SHOWN_BEHIND)
        say(
          'The slow client is behind. The fast one does not wait. The server queues few bytes, because the events stay in the log.',
        );
    };
    const drawing = setInterval(draw, 250);
    await Promise.all([follow(other, signal, 0), follow(me, signal, REST_MS)]);
    clearInterval(drawing);
    clearTimeout(late);
    draw();
    part('slow-waiting').textContent = '–';
    const behind = Math.max(0, other.last - me.last);
    say(
      `${reason}. The slow client was ${behind} events behind and missed ${me.missed}. The fast client missed ${other.missed}.`,
    );
    setEnabled(start, true);
    setEnabled(stop, false);
  });
  stop.addEventListener('click', () => stopAll());
}

async function follow(reader, signal, restMs) {
  const release = admit(self);
  let hasGap = false;
  try {
    const stream = connect(new URL('/live/load', location.origin).href, { events: loadEvents, signal });
    for await (const event of stream) {
      if (event.type === 'gap') hasGap = true;
      if (event.type !== 'load') continue;
      // A gap is reported. Without one, the numbers have no holes.
      if (hasGap || (reader.last > 0 && event.data.number > reader.last + 1))
        reader.missed += event.data.number - reader.last - 1;
      hasGap = false;
      reader.last = event.data.number;
      reader.count++;
      if (restMs > 0) await new Promise((resolve) => setTimeout(resolve, restMs));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    release();
  }
}
