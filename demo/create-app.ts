import type { INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { DemoModule } from './demo.module.js';
import { acceptMultipart } from './rat-engine/accept-multipart.js';

/** The HTTP frameworks that the demo runs on. */
export type DemoAdapter = 'express' | 'fastify';

/** The demo as a Nest application that does not listen yet. */
export async function createDemo(
  adapter: DemoAdapter,
  options: NestApplicationOptions = {},
): Promise<INestApplication> {
  const framework = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
  const app = await NestFactory.create(DemoModule, framework, { abortOnError: false, ...options });
  acceptMultipart(app);
  return app;
}
