// The script of the page. `node scripts/build-inspector.mjs` bundles it with the client of the library.
import { connect } from '../../client/connect.js';
import { inspectorEvents } from '../inspector.events.js';
import { Actions } from './actions.js';
import { closesPane } from './closes-pane.js';
import { ConnectionsPane } from './connections-pane.js';
import { button, make, setText } from './dom.js';
import { channelsPane, limitsPane, nodesPane, runsPane } from './panes.js';
import { State } from './state.js';
import { Summary } from './summary.js';
import { Tabs } from './tabs.js';

/** Several nodes report at the same time. The page is drawn at most this often. */
const DRAW_EVERY_MS = 250;
/** The stream has a report every second, so this silence means that it is dead. */
const SILENCE_MS = 20_000;
const RETRY_MS = 1000;

const base = document.body.dataset.base ?? '';
const state = new State();
const actions = new Actions(base);
const connections = new ConnectionsPane(state, actions, () => tabs.update());
const summary = new Summary(state);
const tabs = new Tabs(
  [
    ['connections', 'Connections', connections],
    ['channels', 'Channels', channelsPane(state)],
    ['runs', 'Runs', runsPane(state, actions)],
    ['limits', 'Limits', limitsPane(state)],
    ['closes', 'Ended', closesPane(state)],
    ['nodes', 'Nodes', nodesPane(state)],
  ],
  'What the application streams',
);
const live = make('span', { class: 'live', text: 'Connecting' });
const pause = button('Pause', '', () => {
  paused = !paused;
  setText(pause, paused ? 'Resume' : 'Pause');
  pause.setAttribute('aria-pressed', String(paused));
  showState();
  draw();
});
pause.setAttribute('aria-pressed', 'false');
let paused = false;
let status: 'open' | 'connecting' | 'waiting' | 'idle' | 'closed' = 'idle';
let drawn = 0;

document.body.append(
  make('header', {}, make('h1', { text: 'Stream inspector' }), live, pause),
  make('main', {}, summary.element, tabs.element),
  actions.element,
);

function showState(): void {
  const words = {
    open: 'Live',
    connecting: 'Connecting',
    waiting: 'Reconnecting',
    idle: 'Connecting',
    closed: 'Ended',
  };
  setText(live, paused && status === 'open' ? 'Paused' : words[status]);
  live.dataset.state = paused ? 'paused' : status;
}

function draw(): void {
  if (drawn || paused) return;
  drawn = window.setTimeout(() => {
    drawn = 0;
    if (paused) return;
    state.prune();
    summary.update();
    tabs.update();
  }, DRAW_EVERY_MS);
}

async function follow(): Promise<void> {
  let lost = false;
  const stream = connect(`${base}events`, {
    events: inspectorEvents,
    inactivityMs: SILENCE_MS,
    onState: (next) => {
      status = next;
      if (next === 'waiting' && !lost) actions.say('The connection to the application was lost.', true);
      if (next === 'open' && lost) actions.say('The connection to the application works again.');
      lost = next === 'waiting' || (lost && next !== 'open');
      showState();
    },
  });
  for await (const event of stream) {
    if (event.type === 'settings') {
      state.users = event.data.users;
      state.own = event.data.node;
    } else if (event.type === 'node') state.apply(event.data);
    draw();
  }
}

async function run(): Promise<void> {
  for (;;) {
    try {
      await follow();
    } catch (error) {
      actions.say(error instanceof Error ? error.message : String(error), true);
      return;
    }
    // The server has ended the stream, for example with its button on this page itself.
    await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
  }
}

showState();
draw();
void run();
