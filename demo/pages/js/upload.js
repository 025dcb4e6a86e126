import { newId, part } from './dom.js';
import { Pane } from './pane.js';

const SAMPLE_BYTES = 12_000_000;
/** A local connection is so fast that there is no progress to see. The server reads this many bytes per second. */
const BYTES_PER_SECOND = 2_500_000;

/** An upload with two viewers. */
export function startUpload() {
  const pane = new Pane('upload');
  const download = part('upload-download');
  const file = part('upload-file');

  file.addEventListener('change', () => {
    part('upload-start').textContent =
      file.files.length > 0 ? 'Upload the chosen file' : 'Upload a sample file';
  });
  pane.on(
    'upload-form',
    async () => {
      pane.restart();
      const session = `page-${newId()}`;
      download.hidden = true;
      for (const [viewer, isMain] of [
        ['first', true],
        ['second', false],
      ]) {
        draw(viewer, 0);
        void pane.read(`/api/progress/${session}`, (event) => onProgress(viewer, event.json()), {
          isMain,
          reading: 'Two viewers follow the upload',
          ended: 'The upload is complete, and both streams have ended',
        });
      }
      const body = new FormData();
      body.append('file', file.files[0] ?? sample());
      const url = `/api/upload/${session}?bytesPerSecond=${BYTES_PER_SECOND}`;
      const response = await fetch(url, { method: 'POST', body });
      const answer = await response.json();
      if (!response.ok) throw new Error(`${response.status}: ${answer.message}`);
      download.href = answer.download_url;
      download.hidden = false;
    },
    'submit',
  );
}

function onProgress(viewer, { progress }) {
  if (typeof progress === 'number') draw(viewer, progress);
}

function draw(viewer, percent) {
  part(`upload-progress-${viewer}`).value = percent;
  part(`upload-percent-${viewer}`).textContent = `${Math.floor(percent)} %`;
}

function sample() {
  return new File([new Uint8Array(SAMPLE_BYTES)], 'sample.bin');
}
