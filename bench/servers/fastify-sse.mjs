// @fastify/sse on Fastify without Nest. Its documentation uses a set of replies for a broadcast.
import fastifySse from '@fastify/sse';
import fastify from 'fastify';
import { counter, payload } from '../machinery/payload.mjs';

export async function start({ heartbeatMs }) {
  const app = fastify({ logger: false });
  await app.register(fastifySse, { heartbeatInterval: heartbeatMs });
  const open = new Set();
  const log = [];
  const subscribe = ({ sse, raw }) => {
    sse.keepAlive();
    open.add(sse);
    sse.onClose(() => open.delete(sse));
    sse.sendHeaders();
    raw.flushHeaders();
  };
  async function* messages(events) {
    for await (const data of events) yield { data };
  }

  const streamed = { sse: { kind: 'only', heartbeat: false } };
  app.get('/generator', streamed, async ({ query }, { sse }) => {
    await sse.send(messages(counter(Number(query.count), Number(query.perTurn))));
  });
  app.get('/subscribe', streamed, async (request, reply) => subscribe(reply));
  app.get('/first', streamed, async (request, reply) => {
    subscribe(reply);
    await reply.sse.send({ data: payload(0) });
  });
  app.get('/idle', { sse: { kind: 'only' } }, async (request, reply) => subscribe(reply));
  app.get('/resume', streamed, async (request, reply) => {
    subscribe(reply);
    await reply.sse.replay(async (lastEventId) => {
      for (const event of log.slice(Number(lastEventId))) await reply.sse.send(event);
    });
  });
  await app.listen({ port: 0, host: '127.0.0.1' });

  return {
    port: app.server.address().port,
    publish(data) {
      if (log.length < 1000) log.push({ id: String(log.length + 1), data });
      for (const sse of open) sse.send({ data }).catch(() => open.delete(sse));
    },
    resumeId: (after) => String(after),
  };
}
