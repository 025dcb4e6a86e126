import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anything, delayMs, kind } from '../checking/option-kinds.js';
import { TestStream } from './test-stream.js';

/** What is used of a Nest application. */
export interface TestApplication {
  listen(port: number, host: string): Promise<unknown>;
  getHttpServer(): { address(): AddressInfo | string | null };
}

/** What a test asks a route for. */
export interface OpenStreamInit {
  /** @default 'GET', 'POST' with a body */
  method?: string;
  /** Over `Accept: text/event-stream`. */
  headers?: Record<string, string>;
  /** Sent as it is if it is a string, as JSON otherwise. */
  body?: unknown;
  /** Where the client left off: sent as `Last-Event-ID`. */
  lastEventId?: string;
  /** Milliseconds that any expectation waits for. @default 4000 */
  timeoutMs?: number;
}

const text = kind((value) => typeof value === 'string', 'a string');
const TABLE: OptionTable<OpenStreamInit> = {
  method: text,
  headers: kind(
    (value) => typeof value === 'object' && value !== null,
    'an object with a string for each header',
  ),
  body: anything,
  lastEventId: text,
  timeoutMs: delayMs(1),
};

/** Less than the 5 s after which Jest and Vitest end a test, so that what was received instead is told. */
const DEFAULT_TIMEOUT_MS = 4000;

/**
 * Opens a route of an application (which starts to listen on a free port if it does not yet) or of a base URL, and
 * resolves with its head, whatever the status.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * const stream = await openStream(app, '/api/progress/7');
 * expect(await stream.next()).toMatchObject({ data: '{"pct":0}' });
 * await stream.close();
 */
export async function openStream(
  app: TestApplication | string,
  path: string,
  init: OpenStreamInit = {},
): Promise<TestStream> {
  checkOptions('openStream()', init, TABLE);
  const base = typeof app === 'string' ? app : await baseUrl(app);
  const { body } = init;
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  const headers: Record<string, string> = {
    accept: 'text/event-stream',
    ...(body !== undefined && typeof body !== 'string' && { 'content-type': 'application/json' }),
    ...(init.lastEventId !== undefined && { 'last-event-id': init.lastEventId }),
    ...init.headers,
  };
  const method = init.method ?? (body === undefined ? 'GET' : 'POST');
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    // No shared agent: a test's connection is its own, and closed with it.
    const sent = request(new URL(path, base), { method, headers, agent: false }, resolve);
    sent.on('error', reject);
    sent.end(text);
  });
  return new TestStream(response, `${method} ${path}`, init.timeoutMs ?? DEFAULT_TIMEOUT_MS);
}

async function baseUrl(app: TestApplication): Promise<string> {
  let address = app.getHttpServer().address();
  if (address === null) {
    await app.listen(0, '127.0.0.1');
    address = app.getHttpServer().address();
  }
  if (address === null || typeof address === 'string')
    throw new TypeError('The application listens on no port.');
  const { address: host, family, port } = address;
  const name = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : family === 'IPv6' ? `[${host}]` : host;
  return `http://${name}:${port}`;
}
