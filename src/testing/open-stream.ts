import { request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anything, delayMs, kind } from '../checking/option-kinds.js';
import { eventReader } from '../client/event-reader.js';
import type { ReceivedEventOf } from '../client/received-event.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import { END_OF_STREAM_TYPE, PLACE_TYPE } from '../wire/end-of-stream.js';
import { TestStream, type ReadTestEvent, type TestEvent } from './test-stream.js';

/** The part of a Nest application that we use. */
export interface TestApplication {
  listen(port: number, host: string): Promise<unknown>;
  getHttpServer(): { address(): AddressInfo | string | null };
}

/** The request of a test, and how its answer is read. */
export interface OpenStreamInit<Contract extends AnyContract = AnyContract> {
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
  /** The contract of the route. Each event is validated, and has the type of the contract. @default none */
  events?: Contract;
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
  events: kind(isContract, 'a contract'),
};

/** Less than the 5 s after which Jest and Vitest end a test, so that the test reports the events that were received instead. */
const DEFAULT_TIMEOUT_MS = 4000;

/**
 * Opens a route of an application or of a base URL, and resolves when its head has arrived, whatever the status. An application that
 * does not listen yet starts to listen on a free port.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * const stream = await openStream(app, '/imports/7', { events: importEvents });
 * expect((await stream.next('progress')).data).toEqual({ percent: 0 });
 * await stream.close();
 */
export function openStream<Contract extends AnyContract>(
  app: TestApplication | string,
  path: string,
  init: OpenStreamInit<Contract> & { events: Contract },
): Promise<TestStream<ReceivedEventOf<Contract>>>;
export function openStream(
  app: TestApplication | string,
  path: string,
  init?: OpenStreamInit,
): Promise<TestStream>;
export async function openStream(
  app: TestApplication | string,
  path: string,
  init: OpenStreamInit = {},
): Promise<unknown> {
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
  const { events, timeoutMs = DEFAULT_TIMEOUT_MS } = init;
  const what = `${method} ${path}`;
  return events
    ? new TestStream(response, what, timeoutMs, contractEvent(events))
    : new TestStream(response, what, timeoutMs, textEvent);
}

function textEvent(type: string, data: string, id: string | undefined): TestEvent {
  return { type, data, id, json: <T>() => JSON.parse(data) as T };
}

function contractEvent(events: AnyContract): ReadTestEvent<ReceivedEventOf<AnyContract>> {
  const read = eventReader(events, 'ignore');
  let lastEventId = '';
  return (type, data, id) => {
    // These blocks are for the client itself.
    if (type === END_OF_STREAM_TYPE || type === PLACE_TYPE) return undefined;
    lastEventId = id ?? lastEventId;
    const event = read(type, data, id, lastEventId);
    if (event) return event as ReceivedEventOf<AnyContract>;
    throw new SseError('SSE_INVALID_EVENT', `The contract has no event ${quoted(type)}.`, {
      remedy: 'Add it to the contract, or open the stream without "events".',
      context: { event: type, data },
    });
  };
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
