import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DemoModule } from './demo.module.js';
import { acceptMultipart } from './rat-engine/accept-multipart.js';

/** The HTTP frameworks that the demo runs on. */
export type DemoAdapter = 'express' | 'fastify';

const MAX_BODY_BYTES = 1_048_576;
/** By default Fastify answers a parameter of more than 100 characters with 414; the name of a channel may have 256 bytes. */
const FASTIFY = { bodyLimit: MAX_BODY_BYTES, routerOptions: { maxParamLength: 16_384 } };

/** The demo as a Nest application that does not listen yet. */
export async function createDemo(
  adapter: DemoAdapter,
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const framework = adapter === 'fastify' ? new FastifyAdapter(FASTIFY) : new ExpressAdapter();
  const app = await NestFactory.create(DemoModule, framework, { abortOnError: false, ...options });
  // What Fastify takes by default: an event, or an array of them, may be longer than the 100 KB of Express, and any JSON.
  if (adapter === 'express')
    (app as NestExpressApplication).useBodyParser('json', { limit: MAX_BODY_BYTES, strict: false });
  acceptMultipart(app);
  return app;
}
