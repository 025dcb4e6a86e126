// Nest's own @Sse(), as its documentation shows it.
import { Controller, Get, Headers, Query, Sse } from '@nestjs/common';
import { Subject, concat, from, interval, map, merge, startWith } from 'rxjs';
import { counter, payload } from '../machinery/payload.mjs';
import { decorate } from './decorate.mjs';
import { startNest } from './nest-application.mjs';

/** The default disconnects a client that is 4 MiB behind, which a source without pauses exceeds at once. */
const UNLIMITED = { maxPendingDataLength: 0 };

export async function start({ adapter, heartbeatMs }) {
  const events = new Subject();
  const log = [];

  class Streams {
    generator(count, perTurn) {
      return from(counter(Number(count), Number(perTurn))).pipe(map((data) => ({ data })));
    }
    subscribe() {
      return events;
    }
    first() {
      return events.pipe(startWith({ data: payload(0) }));
    }
    idle() {
      return merge(events, interval(heartbeatMs).pipe(map(() => ({ comment: '' }))));
    }
    resume(lastEventId) {
      return concat(from(log.slice(Number(lastEventId))), events);
    }
    plain() {
      return { hello: 'world' };
    }
  }
  decorate(Streams, 'generator', [Sse('generator', UNLIMITED)], [Query('count'), Query('perTurn')]);
  decorate(Streams, 'subscribe', [Sse('subscribe')]);
  decorate(Streams, 'first', [Sse('first')]);
  decorate(Streams, 'idle', [Sse('idle')]);
  decorate(Streams, 'resume', [Sse('resume')], [Headers('last-event-id')]);
  decorate(Streams, 'plain', [Get('plain')]);
  Controller()(Streams);

  const { port } = await startNest(adapter, { controllers: [Streams] });
  return {
    port,
    publish(data) {
      const event = { id: String(log.length + 1), data };
      if (log.length < LOG_EVENTS) log.push(event);
      events.next({ data });
    },
    resumeId: (after) => String(after),
  };
}

/** The number of events that the largest resume needs. A log without this limit would dominate the other figures. */
const LOG_EVENTS = 1000;
