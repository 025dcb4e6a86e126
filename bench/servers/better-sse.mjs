// better-sse on node:http: a session for each connection, and a channel for all.
import { createChannel, createSession } from 'better-sse';
import { counter, payload } from '../machinery/payload.mjs';
import { serve } from './http-server.mjs';

export async function start({ heartbeatMs }) {
  const channel = createChannel();
  const log = [];
  const session = (response, request, keepAlive = null) => createSession(request, response, { keepAlive });

  const port = await serve({
    '/generator': async (response, query, request) => {
      const opened = await session(response, request);
      await opened.iterate(counter(Number(query.get('count')), Number(query.get('perTurn'))));
      response.end();
    },
    '/subscribe': async (response, query, request) => {
      channel.register(await session(response, request));
    },
    '/first': async (response, query, request) => {
      const opened = await session(response, request);
      opened.push(payload(0));
      channel.register(opened);
    },
    '/idle': (response, query, request) => session(response, request, heartbeatMs),
    '/resume': async (response, query, request) => {
      const opened = await session(response, request);
      await opened.batch((buffer) => {
        for (const { id, data } of log.slice(Number(opened.lastId))) buffer.push(data, 'message', id);
      });
      channel.register(opened);
    },
  });

  return {
    port,
    publish(event) {
      if (log.length < 1000) log.push({ id: String(log.length + 1), data: event });
      channel.broadcast(event);
    },
    resumeId: (after) => String(after),
  };
}
