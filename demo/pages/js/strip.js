import { part } from './dom.js';

/** Shows the figures of the server in the strip at the bottom of the page. */
export function showFigures({ open, eventsPerSecond, bytesQueued }) {
  part('strip-open').textContent = open;
  part('strip-rate').textContent = eventsPerSecond.toLocaleString('en');
  part('strip-waiting').textContent = inBytes(bytesQueued);
}

/** A number of bytes for people. */
export function inBytes(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(0)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`;
}
