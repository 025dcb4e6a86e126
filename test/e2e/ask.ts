import type { INestApplication } from '@nestjs/common';
import { openStream } from 'nestjs-event-stream/testing';

/** Longer than a route waits for an unavailable server. */
export const PATIENCE_MS = 30_000;

/** The status and the JSON body of an ordinary answer. */
export interface Answer<T> {
  status: number;
  body: T;
}

/** Sends a request to an ordinary JSON route. A `body` that is a string is sent unchanged, as JSON. */
export async function ask<T = Record<string, unknown>>(
  app: INestApplication,
  method: string,
  path: string,
  body?: unknown,
): Promise<Answer<T>> {
  const answer = await openStream(app, path, {
    method,
    headers: { accept: '*/*', ...(typeof body === 'string' && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body }),
    timeoutMs: PATIENCE_MS,
  });
  expect(answer.headers['content-type']).toMatch(/^application\/json\b/);
  return { status: answer.status, body: await answer.json<T>() };
}
