/**
 * With HTTP/1.1, a browser opens at most six connections to a host. The live stream has one, and two are for ordinary
 * requests.
 */
const MAX_STREAMS = 3;

const open = [];

/** Counts a stream of a pane. If there are too many, the pane that began first is stopped. Returns its release. */
export function admit(pane) {
  const entry = { pane };
  open.push(entry);
  const first = open.find((other) => other.pane !== pane);
  if (open.length > MAX_STREAMS) {
    first?.pane.stop('Stopped, because a browser opens at most six connections to one host');
  }
  return () => open.splice(open.indexOf(entry), 1);
}
