// Only Nest's routing: @Res() and res.write(). No library for Nest can cost less.
import { Controller, Get, Res } from '@nestjs/common';
import { payload } from '../machinery/payload.mjs';
import { decorate } from './decorate.mjs';
import { HEAD, frame } from './framing.mjs';
import { startNest } from './nest-application.mjs';

export async function start({ adapter, heartbeatMs }) {
  const open = new Set();
  const begin = (response) => {
    if (adapter === 'fastify') response.hijack();
    const raw = response.raw ?? response;
    raw.writeHead(200, HEAD);
    raw.flushHeaders();
    open.add(raw);
    raw.on('close', () => open.delete(raw));
    return raw;
  };

  class Streams {
    subscribe(response) {
      begin(response);
    }
    first(response) {
      begin(response).write(frame(payload(0)));
    }
    idle(response) {
      const raw = begin(response);
      const beat = setInterval(() => raw.write(':\n'), heartbeatMs);
      raw.on('close', () => clearInterval(beat));
    }
  }
  for (const method of ['subscribe', 'first', 'idle']) decorate(Streams, method, [Get(method)], [Res()]);
  Controller()(Streams);

  const { port } = await startNest(adapter, { controllers: [Streams] });
  return {
    port,
    publish(event) {
      const text = frame(event);
      for (const raw of open) raw.write(text);
    },
  };
}
