/**
 * Follows a stream with the `EventSource` of the browser and shows its events in a pane. `types` lists the named
 * events to listen to. `heard` receives each event and may return a summary of it. Returns a function that closes the
 * stream.
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
    // An `error` event that the server sends arrives here, too. Unlike a connection error, it has data.
    if (event.data !== undefined) show(event);
    else if (source.readyState !== EventSource.CLOSED)
      pane.status('waiting', 'The connection was lost: reconnecting');
    else if (opened) pane.status('ended', 'The stream has ended: the browser does not reconnect');
    else pane.status('failed', 'The server rejected the stream');
  });
  return () => {
    source.close();
    pane.status('idle', 'Left');
  };
}
