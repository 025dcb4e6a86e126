import { addLine, make, part, setEnabled } from './dom.js';
import { Pane } from './pane.js';

const KEPT = 500;
const FOLLOWING = 'Following the log';
const LINE = /^\S+T(\S{8})\S*Z (\w+) (.*)$/;

/** A log file that is followed, with a search and a pause. */
export function startLog() {
  const pane = new Pane('log');
  const list = part('log-lines');
  const search = part('log-search');
  const pause = part('log-pause');
  let isPaused = false;
  let held = [];
  let turns = 0;

  const add = (message) => {
    const line = asLine(message);
    addLine(list, line, KEPT);
    filter(line, search.value);
  };
  const setPaused = (paused) => {
    isPaused = paused;
    pause.textContent = paused ? 'Continue' : 'Pause';
    if (!paused) for (const message of held.splice(0)) add(message);
  };
  pane.on('log-start', async () => {
    const turn = ++turns;
    pane.restart();
    list.replaceChildren();
    held = [];
    setPaused(false);
    setEnabled(pause, true);
    await pane.read(
      `/api/logs/${part('log-service').value}`,
      (event) => {
        const { type, message } = event.json();
        if (type !== 'log') return;
        if (!isPaused) return add(message);
        held.push(message);
        pause.textContent = `Continue (${held.length} new)`;
      },
      { reading: FOLLOWING, ended: 'The stream has ended' },
    );
    // A second press has started another stream.
    if (turn !== turns) return;
    setEnabled(pause, false);
    setPaused(false);
  });
  pane.on('log-pause', () => {
    setPaused(!isPaused);
    if (isPaused) pane.status('waiting', 'Paused. The page keeps the new lines');
    else pane.status('open', FOLLOWING);
  });
  search.addEventListener('input', () => {
    for (const line of list.children) filter(line, search.value);
  });
}

function asLine(message) {
  const [, time, level, text] = LINE.exec(message) ?? [undefined, '', '', message];
  const line = make(
    'li',
    '',
    make('span', 'time', `${time} `),
    make('span', level, `${level} `),
    make('span', '', text),
  );
  line.dataset.text = text;
  return line;
}

/** Hides a line that does not contain the text, and marks the text in the others. */
function filter(line, text) {
  const { text: whole } = line.dataset;
  const at = text === '' ? -1 : whole.toLowerCase().indexOf(text.toLowerCase());
  line.hidden = text !== '' && at === -1;
  const shown =
    at === -1
      ? [whole]
      : [
          whole.slice(0, at),
          make('mark', '', whole.slice(at, at + text.length)),
          whole.slice(at + text.length),
        ];
  line.lastElementChild.replaceChildren(...shown);
}
