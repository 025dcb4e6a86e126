// This library, as its README shows it: the handlers of nest.mjs with another import, generators, and channels.
import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import { Channels, LastEventId, Sse, SseModule, SseSignal, event } from 'nestjs-event-stream';
import { NEVER, Subject, concat, from, startWith, tap } from 'rxjs';
import { counter, payload } from '../machinery/payload.mjs';
import { decorate } from './decorate.mjs';
import { startNest } from './nest-application.mjs';
import { addTypedRoutes } from './typed-routes.mjs';

/** Like the logging or metrics interceptor of an application: it sees each value. */
class SeesEachValue {
  seen = 0;
  intercept(context, next) {
    return next.handle().pipe(tap(() => this.seen++));
  }
}

export async function start({
  adapter,
  intercepted = false,
  inspected = false,
  via = 'subject',
  heartbeatMs,
  redisUrl,
}) {
  const subject = new Subject();
  const log = [];
  let channel;

  class Streams {
    generator(count, perTurn) {
      return counter(Number(count), Number(perTurn));
    }
    subscribe() {
      return channel?.subscribe() ?? subject;
    }
    first() {
      return subject.pipe(startWith({ data: payload(0) }));
    }
    async *firstOfGenerator(signal) {
      yield payload(0);
      await over(signal);
    }
    idle() {
      return channel?.subscribe() ?? NEVER;
    }
    // eslint-disable-next-line require-yield -- that is what makes it idle
    async *idleGenerator(signal) {
      await over(signal);
    }
    resume(lastEventId) {
      if (channel) return channel.subscribe({ after: lastEventId });
      return concat(from(log.slice(Number(lastEventId))), subject);
    }
    plain() {
      return { hello: 'world' };
    }
  }
  decorate(Streams, 'generator', [Sse('generator')], [Query('count'), Query('perTurn')]);
  decorate(Streams, 'subscribe', [Sse('subscribe')]);
  decorate(Streams, 'first', [Sse('first')]);
  decorate(Streams, 'firstOfGenerator', [Sse('first/generator')], [SseSignal()]);
  decorate(Streams, 'idle', [Sse('idle')]);
  decorate(Streams, 'idleGenerator', [Sse('idle/generator')], [SseSignal()]);
  decorate(Streams, 'resume', [Sse('resume')], [LastEventId()]);
  decorate(Streams, 'plain', [Get('plain')]);
  addTypedRoutes(Streams);
  if (intercepted) UseInterceptors(new SeesEachValue())(Streams);
  Controller()(Streams);

  const { app, port } = await startNest(adapter, {
    imports: [
      SseModule.forRoot({ heartbeat: heartbeatMs, log: await logAt(redisUrl) }),
      ...(inspected ? [await inspector()] : []),
    ],
    controllers: [Streams],
  });
  if (via === 'channel') {
    channel = app.get(Channels).channel('events');
    return { port, ...publishedTo(channel) };
  }
  return {
    port,
    publish(data) {
      if (log.length < 1000) log.push(event({ id: log.length + 1, data }));
      subject.next({ data });
    },
    resumeId: (after) => String(after),
  };
}

async function inspector() {
  const { SseInspectorModule } = await import('nestjs-event-stream/inspector');
  return SseInspectorModule.forRoot({ withoutGuard: true });
}

/** The log behind the channels: in Redis, or the module's own. */
async function logAt(redisUrl) {
  if (redisUrl === undefined) return undefined;
  const { redisLog } = await import('nestjs-event-stream/redis');
  return redisLog({ client: redisUrl });
}

function publishedTo(channel) {
  const ids = [];
  return {
    publish(data) {
      const published = channel.publish(data);
      if (ids.length < 1000) ids.push(published);
      return published;
    },
    resumeId: (after) => ids[after - 1],
  };
}

function over(signal) {
  return new Promise((resolve) => signal.addEventListener('abort', resolve));
}
