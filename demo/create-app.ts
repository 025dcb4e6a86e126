import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DemoModule } from './demo.module.js';
import { acceptMultipart } from './rat-engine/accept-multipart.js';

/** The HTTP frameworks that the demo runs on. */
export type DemoAdapter = 'express' | 'fastify';

const MAX_BODY_BYTES = 1_048_576;
/**
 * By default Fastify answers 414 to a parameter of more than 100 characters, but the name of a channel may have 256
 * bytes.
 */
const FASTIFY = { bodyLimit: MAX_BODY_BYTES, routerOptions: { maxParamLength: 16_384 } };

/** Creates the demo as a Nest application that does not listen yet. */
export async function createDemo(
  adapter: DemoAdapter,
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const framework = adapter === 'fastify' ? new FastifyAdapter(FASTIFY) : new ExpressAdapter();
  const app = await NestFactory.create(DemoModule, framework, { abortOnError: false, ...options });
  // By default Express accepts 100 KB, and only objects and arrays. Fastify accepts any JSON value. An array of
  // events may be longer, so Express gets the same limits as Fastify.
  if (adapter === 'express')
    (app as NestExpressApplication).useBodyParser('json', { limit: MAX_BODY_BYTES, strict: false });
  acceptMultipart(app);
  return app;
}
