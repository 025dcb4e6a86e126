import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { INestApplication, Type } from '@nestjs/common';
import { Channels, SseConnections } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { until, type AdapterName } from '../e2e/adapters.js';

/** A recipe that listens on a free port. */
export interface RecipeApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly logger: RecordingLogger;
}

const running = new Set<RecipeApp>();

/** Starts the application of a recipe. {@link closeRecipes} closes it after the test. */
export async function startRecipe(
  adapter: AdapterName,
  module: Type,
  prepare: (app: INestApplication) => void = () => undefined,
): Promise<RecipeApp> {
  const logger = new RecordingLogger();
  // Not by a testing module: it has no adapter yet when it makes its providers, which some packages ask for theirs.
  const app = await NestFactory.create<INestApplication>(
    module,
    (adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter()) as never,
    { logger, abortOnError: false },
  );
  prepare(app);
  await app.listen(0, '127.0.0.1');
  const recipe = { app, url: await app.getUrl(), logger };
  running.add(recipe);
  return recipe;
}

/** Waits until no stream and no subscription is open. */
export async function nothingIsOpen({ app }: RecipeApp): Promise<void> {
  await until(() => app.get(SseConnections).count() === 0, 'the end of all streams');
  await until(() => app.get(Channels).list().length === 0, 'the end of all subscriptions');
}

/** Closes the applications of a test, and fails if one has a stream open or logged an error. */
export async function closeRecipes(): Promise<void> {
  for (const recipe of running) {
    running.delete(recipe);
    await nothingIsOpen(recipe);
    await recipe.app.close();
    expect(recipe.logger.errors).toEqual([]);
  }
}
