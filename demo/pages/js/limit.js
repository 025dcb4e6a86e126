import { make, newId, part, setEnabled } from './dom.js';

/** More than the server admits. */
const ATTEMPTS = 3;
/** The server notices within this time that the page has closed its streams. */
const FREE_MS = 3000;

/** Opens streams until the server rejects one, shows each answer, and closes them again. */
export function startLimit() {
  const button = part('limit-start');
  const list = part('limit-requests');
  button.addEventListener('click', async () => {
    setEnabled(button, false);
    list.replaceChildren();
    part('limit-result').textContent = '';
    const ending = new AbortController();
    const url = `/live/limited?reader=${newId()}`;
    for (let number = 1; number <= ATTEMPTS; number++) {
      const response = await fetch(url, { signal: ending.signal, headers: { Accept: 'text/event-stream' } });
      const line = make('li', response.ok ? '' : 'rejected', `Stream ${number}: ${response.status}`);
      list.append(line);
      if (response.ok) continue;
      const { message } = await response.json();
      line.append(`, Retry-After: ${response.headers.get('Retry-After')} s, “${message}”`);
    }
    ending.abort();
    const status = await statusAfterwards(url);
    part('limit-result').textContent = `The page closed its streams. A new request gets ${status}.`;
    setEnabled(button, true);
  });
}

/** The status of one more stream, as soon as it is admitted. */
async function statusAfterwards(url) {
  const until = performance.now() + FREE_MS;
  for (;;) {
    const ending = new AbortController();
    const { status } = await fetch(url, { signal: ending.signal });
    ending.abort();
    if (status === 200 || performance.now() > until) return status;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
