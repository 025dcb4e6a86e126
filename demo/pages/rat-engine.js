import { follow } from './follow.js';
import { Pane } from './pane.js';

/** Shows one of the generator streams at a time, or an upload and its progress. */
export function startRatEngine() {
  const pane = new Pane('rat-engine');
  const route = document.getElementById('rat-route');
  let leave = () => {};
  const read = (url, heard) => {
    leave();
    pane.clear();
    leave = follow(pane, url, [], heard);
  };
  pane.buttons(
    () => read(route.value),
    () => leave(),
  );
  startUpload(pane, read);
}

// The progress replaces the other stream. With HTTP/1.1 a browser opens at most six connections to a host, and the
// panes and their requests need all of them.
function startUpload(pane, read) {
  const progress = document.getElementById('rat-progress');
  const download = document.getElementById('rat-download');
  document.getElementById('rat-upload').addEventListener('submit', async (submitted) => {
    submitted.preventDefault();
    const body = new FormData();
    body.append('file', document.getElementById('rat-file').files[0]);
    const session = `page-${Math.random().toString(36).slice(2)}`;
    download.hidden = true;
    progress.value = 0;
    read(`/api/progress/${session}`, ({ data }) => {
      const told = JSON.parse(data);
      if (typeof told.progress === 'number') progress.value = told.progress;
    });
    const response = await fetch(`/api/upload/${session}`, { method: 'POST', body });
    const answer = await response.json();
    if (!response.ok) return pane.note(`${response.status}: ${answer.message}`);
    download.href = answer.download_url;
    download.hidden = false;
  });
}
