import { make, part, setEnabled } from './dom.js';
import { Pane } from './pane.js';
import { request } from './request.js';

const KEPT = 60;

/** A simulated project, its only reader, and the prescriptions as rows of a table. */
export function startPrescriptions() {
  const pane = new Pane('prescriptions');
  const body = part('prescriptions-table').tBodies[0];
  const buttons = ['second', 'again', 'finish'].map((name) => part(`prescriptions-${name}`));
  const result = (text) => (part('prescriptions-result').textContent = text);
  const rows = new Map();
  let project;

  const onEvent = (event) => {
    if (event.type === 'ping') part('prescriptions-ping').textContent = event.data.slice(11, 19);
    if (event.type === 'notification' && event.data === 'FINISHED')
      for (const button of buttons) setEnabled(button, false);
    if (event.type !== 'message') return;
    for (const entry of event.json()) {
      showEntry(body, rows, entry);
      showQuality(entry.prescriptions[0]?.plugin);
    }
  };
  const read = async () => {
    pane.restart();
    result('');
    await pane.read(`/project/${project}/stream/result`, onEvent, {
      reading: `You are the only reader of project ${project}`,
      ended: 'The simulation is finished, and the client does not reconnect',
    });
  };

  pane.on('prescriptions-start', async () => {
    pane.stop();
    if (project !== undefined) await request('PUT', `/project/${project}/stop`).catch(() => undefined);
    rows.clear();
    body.replaceChildren();
    ({ id: project } = await request('POST', '/project', { name: 'From the page' }));
    await request('PUT', `/project/${project}/start/simulating`);
    for (const button of buttons) setEnabled(button, true);
    await read();
  });
  pane.on('prescriptions-stop', () => result(''));
  pane.on('prescriptions-again', read);
  pane.on('prescriptions-finish', () => request('PUT', `/project/${project}/stop`));
  pane.on('prescriptions-second', async () => {
    const response = await fetch(`/project/${project}/stream/result`);
    if (response.ok) {
      await response.body.cancel();
      return result('The second reader gets 200, because the first one has left.');
    }
    const { message } = await response.json();
    result(`The second reader gets ${response.status}: “${message}”`);
  });
}

/** One row per case, the latest at the top. */
function showEntry(body, rows, { case_completed, data, prescriptions }) {
  const row = rows.get(data.case_id) ?? make('tr', '', make('td', 'figure'), make('td'), make('td'));
  rows.set(data.case_id, row);
  const next = case_completed ? 'Completed' : (prescriptions[0]?.output ?? '');
  [data.case_id, data.activity, next].forEach((text, index) => (row.cells[index].textContent = text));
  row.className = case_completed ? 'done' : 'fresh';
  body.prepend(row);
  while (body.childElementCount > KEPT) {
    const last = body.lastElementChild;
    rows.delete(last.cells[0].textContent);
    last.remove();
  }
}

function showQuality(plugin) {
  if (!plugin) return;
  for (const name of ['accuracy', 'precision', 'recall']) {
    part(`prescriptions-${name}`).textContent = `${(plugin[name] * 100).toFixed(1)} %`;
  }
}
