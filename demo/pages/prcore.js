import { follow } from './follow.js';
import { Pane } from './pane.js';
import { request } from './request.js';

/** A simulated project, its only reader, and the prescriptions. */
export function startPrCore() {
  const pane = new Pane('prcore');
  const quality = document.getElementById('prcore-quality');
  const again = document.getElementById('prcore-again');
  const finish = document.getElementById('prcore-finish');
  let project;
  let leave = () => {};

  const read = () => {
    leave();
    leave = follow(pane, `/project/${project}/stream/result`, ['notification', 'ping'], (event) => {
      if (event.data === 'FINISHED') finish.disabled = again.disabled = true;
      if (event.type !== 'message') return undefined;
      const entries = JSON.parse(event.data);
      showQuality(quality, entries);
      return entries.map(inWords).join(' · ');
    });
  };
  const stop = async () => {
    finish.disabled = true;
    await request('PUT', `/project/${project}/stop`);
  };

  pane.buttons(
    async () => {
      leave();
      if (!finish.disabled) await stop();
      pane.clear();
      ({ id: project } = await request('POST', '/project', { name: 'From the page' }));
      await request('PUT', `/project/${project}/start/simulating`);
      finish.disabled = again.disabled = false;
      read();
    },
    () => leave(),
  );
  again.addEventListener('click', read);
  finish.addEventListener('click', () => stop().catch((error) => pane.status('failed', error.message)));
}

function inWords({ case_completed, data, prescriptions }) {
  const next = case_completed ? 'completed' : prescriptions.map(({ output }) => `next: ${output}`).join();
  return `${data.case_id} ${data.activity} → ${next}`;
}

function showQuality(line, entries) {
  const plugin = entries.flatMap((entry) => entry.prescriptions).at(-1)?.plugin;
  if (!plugin) return;
  const percent = (share) => `${(share * 100).toFixed(1)} %`;
  line.textContent = `${plugin.name}: accuracy ${percent(plugin.accuracy)}, precision ${percent(plugin.precision)}, recall ${percent(plugin.recall)} on cases that it had not seen`;
}
