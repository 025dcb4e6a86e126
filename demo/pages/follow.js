/**
 * Follows a stream with the browser's own EventSource and shows it in a pane. `types` are the named events to listen
 * to; `heard` is called with each event and may return a summary of it. Returns what closes the stream.
 */
export function follow(pane, url, types = [], heard = () => undefined) {
  const source = new EventSource(url);
  let opened = false;
  pane.status('waiting', `Connecting to ${url}`);
  source.onopen = () => {
    opened = true;
    pane.status('open', `Reading ${url}`);
  };
  const show = (event) => {
    pane.event({ type: event.type, id: event.lastEventId, data: event.data }, heard(event));
  };
  for (const type of ['message', ...types]) source.addEventListener(type, show);
  source.addEventListener('error', (event) => {
    // A server's event of that name comes here, too: it has data.
    if (event.data !== undefined) show(event);
    else if (source.readyState !== EventSource.CLOSED)
      pane.status('waiting', 'The connection ended: reconnecting');
    else if (opened) pane.status('ended', 'The stream has finished and told the browser to stay away');
    else pane.status('failed', 'The server refused the stream');
  });
  return () => {
    source.close();
    pane.status('idle', 'Left');
  };
}
