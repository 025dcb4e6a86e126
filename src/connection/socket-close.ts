import type { Socket } from 'node:net';

const WAITING = Symbol.for('nestjs-event-stream:waiting');

type Carrier = Socket & { [WAITING]?: Set<() => void> };

/**
 * Has `gone` called when a socket closes, and gives what calls that off. Any number may wait for one socket, as
 * pipelined requests do, behind one listener: Node takes many of them for a leak, and says so for each connection.
 */
export function onceClosed(socket: Socket, gone: () => void): () => void {
  const waiting = waitingFor(socket);
  waiting.add(gone);
  return () => waiting.delete(gone);
}

/** How many wait for a socket to close. */
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
