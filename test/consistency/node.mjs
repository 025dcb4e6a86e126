// One node of the application under test: GET /channels/:name streams, POST /channels/:name publishes.
import 'reflect-metadata';
import { Body, Controller, Module, Param, Post, ServiceUnavailableException } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Channels, LastEventId, Sse, SseModule, event, isSseError, memoryLog } from 'nestjs-event-stream';
import { redisClient } from '../fixtures/redis-client.mjs';
import { allEvents } from './all-events.mjs';
import { brokenLog } from './broken-log.mjs';
import { STATE_KEEPS, hasState, isFolded, isStated } from './states.mjs';

const { PORT, DEMO_ADAPTER, REDIS_URL, DATABASE_URL, STATES_URL, KEEP_EVENTS, BROKEN } = process.env;

class ChannelsController {
  constructor(channels) {
    this.channels = channels;
  }

  follow(name, after) {
    const snapshot = async () => {
      const response = await fetch(`${STATES_URL}/${name}`);
      return event({ type: 'state', data: await response.json() });
    };
    return this.channel(name).subscribe({ after, ...(isStated(name) && { snapshot }) });
  }

  async publish(name, body) {
    try {
      return { ids: await this.channel(name).publish(body) };
    } catch (error) {
      if (isSseError(error, 'SSE_LOG_UNAVAILABLE')) throw new ServiceUnavailableException(error.message);
      throw error;
    }
  }

  channel(name) {
    return isFolded(name) ? this.channels.channel(name, { fold: allEvents }) : this.channels.channel(name);
  }
}
decorate(ChannelsController, 'follow', Sse(':name'), [Param('name'), LastEventId()]);
decorate(ChannelsController, 'publish', Post(':name'), [Param('name'), Body()]);
Reflect.defineMetadata('design:paramtypes', [Channels], ChannelsController);
Controller('channels')(ChannelsController);

class Application {}
Module({ imports: [SseModule.forRoot({ log: await log() })], controllers: [ChannelsController] })(
  Application,
);

const app = await NestFactory.create(Application, await adapter(), { logger: ['fatal', 'error', 'warn'] });
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(Number(PORT ?? 0), '127.0.0.1');
console.log(`Node on ${await app.getUrl()}`);

/** Applies decorators as a compiler would: those of the parameters first. */
function decorate({ prototype }, method, decorator, parameters) {
  for (const [i, parameter] of parameters.entries()) parameter(prototype, method, i);
  const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
  Object.defineProperty(prototype, method, decorator(prototype, method, descriptor) ?? descriptor);
}

async function log() {
  const kept = {
    ...(KEEP_EVENTS && { maxEvents: Number(KEEP_EVENTS) }),
    retention: (name) => (hasState(name) ? { maxEvents: STATE_KEEPS } : undefined),
  };
  if (DATABASE_URL) {
    const { postgresLog } = await import('nestjs-event-stream/postgres');
    return postgresLog({ client: DATABASE_URL, createSchema: true, ...kept });
  }
  if (!REDIS_URL) return BROKEN ? brokenLog(memoryLog(kept), BROKEN) : memoryLog(kept);
  const { redisLog } = await import('nestjs-event-stream/redis');
  return redisLog({ client: redisClient(REDIS_URL), ...kept });
}

async function adapter() {
  if (DEMO_ADAPTER === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    return new FastifyAdapter();
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  return new ExpressAdapter();
}
