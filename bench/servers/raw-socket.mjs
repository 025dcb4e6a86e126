// Node's socket below its http module: every event is framed and encoded once, and the same bytes go to each socket.
// `joined`: one write for all events of a turn. No library in Node can cost less.
import { payload } from '../machinery/payload.mjs';
import { HEAD, MAX_QUEUED_BYTES, chunk, frame } from './framing.mjs';
import { serve } from './http-server.mjs';

const BEAT = chunk(':\n');

export async function start({ joined = false, heartbeatMs }) {
  const open = new Set();
  const idle = new Set();
  const log = [];
  const replays = new Map();
  let waiting = '';

  const begin = (response, sockets) => {
    const { socket } = response;
    response.writeHead(200, HEAD);
    response.flushHeaders();
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    return socket;
  };
  const broadcast = (bytes) => {
    for (const socket of open) {
      if (!socket.write(bytes) && socket.writableLength > MAX_QUEUED_BYTES) socket.destroy();
    }
  };

  const port = await serve({
    '/subscribe': (response) => begin(response, open),
    '/first': (response) => begin(response, open).write(chunk(frame(payload(0)))),
    '/idle': (response) => begin(response, idle),
    '/resume': (response, query, { headers }) => {
      const after = Number(headers['last-event-id']);
      if (!replays.has(after)) replays.set(after, chunk(log.slice(after).join('')));
      begin(response, open).write(replays.get(after));
    },
  });
  setInterval(() => {
    for (const socket of idle) socket.write(BEAT);
  }, heartbeatMs);

  return {
    port,
    publish(event) {
      const text = frame(event);
      if (log.length < 1000) log.push(text);
      if (!joined) return broadcast(chunk(text));
      if (waiting === '') {
        setImmediate(() => {
          const bytes = chunk(waiting);
          waiting = '';
          broadcast(bytes);
        });
      }
      waiting += text;
    },
    resumeId: (after) => String(after),
  };
}
