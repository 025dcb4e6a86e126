import type { Socket } from 'node:net';

const WAITING = Symbol.for('nestjs-event-stream:waiting');

type Carrier = Socket & { [WAITING]?: Set<() => void> };

/**
 * Calls `gone` when a socket closes, and returns a function that cancels this. All callbacks of one socket share a single
 * listener. With pipelined requests there can be many, and Node would warn about a leak of listeners.
 */
export function onceClosed(socket: Socket, gone: () => void): () => void {
  const waiting = waitingFor(socket);
  waiting.add(gone);
  return () => waiting.delete(gone);
}

/** How many callbacks wait for a socket to close. */
export function waitingCount(socket: Socket): number {
  return (socket as Carrier)[WAITING]?.size ?? 0;
}

function waitingFor(socket: Carrier): Set<() => void> {
  const known = socket[WAITING];
  if (known) return known;
  const waiting = new Set<() => void>();
  socket[WAITING] = waiting;
  socket.once('close', () => {
    for (const gone of waiting) gone();
  });
  return waiting;
}
