import type { ClientRequest, IncomingMessage } from 'node:http';
import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { MAX_DELAY_MS, anything, delayMs, flag, kind } from '../checking/option-kinds.js';
import { eventReader } from '../client/event-reader.js';
import type { ReceivedEventOf } from '../client/received-event.js';
import { SseError, quoted } from '../errors/sse.errors.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import { END_OF_STREAM_TYPE, PLACE_TYPE } from '../wire/end-of-stream.js';
import { realTime } from './real-time.js';
import { connectionTo, type TestApplication } from './test-application.js';
import { TestStream, type ReadTestEvent, type TestEvent, type TestReading } from './test-stream.js';

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
  /** Opens the stream with a client that never reads: see {@link TestStream.stall}. @default false */
  stalled?: boolean;
  /**
   * Milliseconds that any expectation waits for, by the system clock. The head can always take the default.
   * @default the environment variable `SSE_TEST_TIMEOUT_MS`, or 4000
   */
  timeoutMs?: number;
  /** The contract of the route. Each event is validated, and has the type of the contract. @default none */
  events?: Contract;
}

const text = kind((value) => typeof value === 'string', 'a string');
function isHeaders(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((header) => typeof header === 'string')
  );
}

const TABLE: OptionTable<OpenStreamInit> = {
  method: text,
  headers: kind(isHeaders, 'an object with a string for each header'),
  body: anything,
  lastEventId: text,
  stalled: flag,
  timeoutMs: delayMs(1),
  events: kind(isContract, 'a contract'),
};

/**
 * Less than the 5 s after which Jest and Vitest end a test, so that the test reports the events that were received instead. A run on a
 * busy machine sets the variable for all of its tests.
 */
const DEFAULT_TIMEOUT_MS = positive(process.env['SSE_TEST_TIMEOUT_MS']) ?? 4000;

function positive(text: string | undefined): number | undefined {
  const ms = Number(text);
  return ms > 0 && ms <= MAX_DELAY_MS ? ms : undefined;
}

/**
 * Opens a route of an application or of a base URL, and resolves when its head has arrived, whatever the status. An application that
 * does not listen needs no port: the kit initializes it and sends the request within this process.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`; `SSE_NOT_SERIALIZABLE`; `SSE_TEST_TIMEOUT` if no head arrives
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
  const { response, reading } = await openResponse('openStream()', app, path, init);
  const { events } = init;
  return events
    ? new TestStream(response, reading, contractEvent(events))
    : new TestStream(response, reading, textEvent);
}

/** Sends the request of a test, and resolves with the head of its answer. @throws {SseError} as {@link openStream} */
export async function openResponse(
  where: string,
  app: TestApplication | string,
  path: string,
  init: OpenStreamInit,
): Promise<{ response: IncomingMessage; reading: TestReading }> {
  checkOptions(where, init, TABLE);
  const send = await connectionTo(app);
  const { body, timeoutMs = DEFAULT_TIMEOUT_MS, stalled = false } = init;
  const text = bodyText(where, body);
  const headers: Record<string, string> = {
    accept: 'text/event-stream',
    ...(body !== undefined && typeof body !== 'string' && { 'content-type': 'application/json' }),
    ...(init.lastEventId !== undefined && { 'last-event-id': init.lastEventId }),
    ...init.headers,
  };
  const method = init.method ?? (body === undefined ? 'GET' : 'POST');
  const what = `${method} ${path}`;
  // No shared agent: a test's connection is its own, and closed with it.
  const request = send(requestPath(where, path), { method, headers, agent: false });
  // A short time for expectations must not fail a request on a busy machine.
  const headMs = Math.max(timeoutMs, DEFAULT_TIMEOUT_MS);
  return { response: await headOf(request, text, headMs, what), reading: { what, timeoutMs, stalled } };
}

function bodyText(where: string, body: unknown): string | undefined {
  if (body === undefined || typeof body === 'string') return body;
  let text: string | undefined;
  let cause: unknown;
  try {
    text = JSON.stringify(body);
  } catch (error) {
    cause = error;
  }
  if (text !== undefined) return text;
  throw new SseError(
    'SSE_NOT_SERIALIZABLE',
    `${where}: The body ${quoted(body)} cannot be written as JSON.`,
    {
      remedy: 'Use text, or a value that JSON can express.',
      cause,
    },
  );
}

/** The path and query of a request, with characters escaped that a request line cannot have. */
export function requestPath(where: string, path: unknown): string {
  if (typeof path === 'string' && path.startsWith('/')) {
    const { pathname, search } = new URL(`http://localhost${path}`);
    return pathname + search;
  }
  throw new SseError('SSE_INVALID_OPTIONS', `${where}: The path is ${quoted(path)}.`, {
    remedy: 'Pass a path that begins with a slash, such as /imports/7.',
  });
}

function headOf(
  request: ClientRequest,
  body: string | undefined,
  timeoutMs: number,
  what: string,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const late = realTime.setTimeout(() => request.destroy(noHead(what, timeoutMs)), timeoutMs);
    request.once('close', () => realTime.clearTimeout(late));
    request.once('response', (response) => {
      realTime.clearTimeout(late);
      resolve(response);
    });
    request.on('error', reject);
    request.end(body);
  });
}

function noHead(what: string, timeoutMs: number): SseError {
  return new SseError('SSE_TEST_TIMEOUT', `${what}: No head arrived for ${timeoutMs} ms.`, {
    remedy:
      'A generator that has not yielded opens its stream after "openAfterMs". Advance the test clock, if there is one, before you await openStream().',
  });
}

function textEvent(type: string, data: string, id: string | undefined): TestEvent {
  return { type, data, id, json: <T>() => JSON.parse(data) as T };
}

/** Reads the events of a contract. Another event, or data that breaks its schema, is an error. */
export function contractEvent(events: AnyContract): ReadTestEvent<ReceivedEventOf<AnyContract>> {
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
