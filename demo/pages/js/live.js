import { connect } from 'nestjs-event-stream/client';
import { liveEvents } from '../../live/live-events.ts';
import { make, newId, part } from './dom.js';
import { Pane } from './pane.js';
import { request } from './request.js';
import { Sequence } from './sequence.js';
import { recordingFetch } from './wire.js';

const CELLS = 80;
/** Milliseconds after a resume within which events are those that the page missed. */
const LATE_MS = 400;
/** Attempts to get to another node. */
const MOVES = 8;

/** The stream that starts with the page. `handlers` receive the figures of the server, and notices. */
export function startLive({ server, notice }) {
  const pane = new Pane('live');
  const reader = newId();
  const sequence = new Sequence();
  let node;
  let storage;
  let lostAt;
  let resumedAt;
  let late = 0;

  const result = (text) => (part('live-result').textContent = text);
  const show = () => {
    part('live-received').textContent = sequence.received;
    for (const name of ['missing', 'doubled']) {
      const field = part(`live-${name}`);
      field.textContent = sequence[name];
      field.toggleAttribute('data-bad', sequence[name] > 0);
    }
    part('live-late').textContent = sequence.late;
  };
  const onEvent = (event) => {
    if (event.type === 'pulse') {
      const isLate = resumedAt !== undefined && performance.now() - resumedAt < LATE_MS;
      if (isLate) late++;
      addCell(sequence.add(event.data.number, isLate) && isLate);
      show();
    } else if (event.type === 'server') {
      if (event.data.node === node) server(event.data);
    } else if (event.type === 'notice') notice(event.data.text);
    else if (event.type === 'node') arrived(event.data);
    else if (event.type === 'gap') {
      sequence.reset();
      drawCells();
      resumedAt = lostAt = undefined;
      result(
        'The event log was in memory, so the restart emptied it. The library sent the event “gap”, and the page counts from the start again. A log in Redis or PostgreSQL keeps the events.',
      );
    }
  };
  const arrived = ({ name, storage: kind }) => {
    const before = node;
    node = name;
    storage = kind;
    part('strip-node').textContent = name;
    part('live-move').hidden = storage === 'memory';
    if (before !== undefined && before !== node && storage !== 'memory')
      result(`You are on node ${node} now.`);
  };
  const onState = (state) => {
    if (state === 'open') {
      pane.status('open', 'Four events per second');
      if (lostAt === undefined) return;
      const seconds = ((performance.now() - lostAt) / 1000).toFixed(1);
      resumedAt = performance.now();
      late = 0;
      lostAt = undefined;
      setTimeout(() => {
        if (resumedAt === undefined) return;
        result(
          `Resumed after ${seconds} s${storage === 'memory' ? '' : ` on ${node}`}. ${late} events arrived late. Missing: ${sequence.missing}. Duplicates: ${sequence.doubled}.`,
        );
        resumedAt = undefined;
      }, LATE_MS + 100);
    } else if (state === 'waiting') {
      lostAt ??= performance.now();
      pane.status('waiting', 'Connection lost, reconnecting');
    }
  };
  const start = async () => {
    const url = new URL(`/live/stream?reader=${reader}`, location.origin).href;
    const options = { events: liveEvents, retry: { initialMs: 1500, jitter: 0.2, maxMs: 3000 }, onState };
    pane.wire.clear();
    pane.status('waiting', 'Connecting');
    for await (const event of connect(url, { ...options, fetch: recordingFetch(pane.wire) })) onEvent(event);
    pane.status('ended', 'The stream has ended');
  };

  drawCells();
  pane.on('live-cut', async () => {
    result('The server destroyed the socket. The client reconnects with the ID of its last event.');
    await request('POST', `/live/readers/${reader}/cut`);
  });
  pane.on('live-restart', async () => {
    await request('POST', '/live/restart');
    const isAlone = storage === 'memory';
    result(`${isAlone ? 'The server' : 'A node'} is restarting, and has closed its streams.`);
  });
  pane.on('live-move', () => move(reader, () => node, result));
  start().catch((error) => pane.status('failed', error.message));
}

async function move(reader, nodeNow, result) {
  const before = nodeNow();
  result(`Leaving node ${before}.`);
  for (let attempt = 0; attempt < MOVES && nodeNow() === before; attempt++) {
    await request('POST', `/live/readers/${reader}/close`).catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 2500));
  }
  if (nodeNow() === before) result('There is no other node behind this address.');
}

function drawCells() {
  const cells = Array.from({ length: CELLS }, () => make('i'));
  part('live-pulse').replaceChildren(...cells);
}

/** The oldest cell becomes the newest one. */
function addCell(isLate) {
  const row = part('live-pulse');
  const cell = row.firstElementChild;
  cell.className = isLate ? 'late' : 'now';
  row.append(cell);
}
