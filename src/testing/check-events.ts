import { checkOptions, type OptionTable } from '../checking/option-check.js';
import { anything, kind } from '../checking/option-kinds.js';
import type { ReceivedEventOf, TypedEvent } from '../client/received-event.js';
import { SseError } from '../errors/sse.errors.js';
import { isContract, type AnyContract } from '../events/event-contract.js';
import { routeOptionsOf } from '../nest/sse.metadata.js';
import { SSE_CONNECTIONS } from '../options/sse.tokens.js';
import { contractEvent, openResponse, requestPath, type OpenStreamInit } from './open-stream.js';
import type { TestApplication } from './test-application.js';
import { TestStream } from './test-stream.js';

/** The request of {@link checkEvents}, and how much of its stream is read. */
export interface CheckEventsInit extends Omit<OpenStreamInit, 'events' | 'stalled'> {
  /** The type of the last event to read, for a stream that does not end. @default all events up to the end */
  until?: string;
}

/** A Nest application, of which the streams can be observed. */
export interface ObservableApplication extends TestApplication {
  get(token: symbol, options: { strict: false }): unknown;
}

const TABLE: OptionTable<CheckEventsInit> = {
  method: anything,
  headers: anything,
  body: anything,
  lastEventId: anything,
  timeoutMs: anything,
  until: kind((value) => typeof value === 'string', 'the type of an event'),
};
const WHERE = 'checkEvents()';

/**
 * Reads a stream, and checks that each event on the wire is valid under the contract of the handler that sends it. Resolves with the
 * events. The test does not name the contract: the route does. A stream that ends with the error event of the library fails as well,
 * because the server replaces an invalid event by it.
 *
 * @throws {SseError} `SSE_INVALID_EVENT`; `SSE_INVALID_CONTRACT` if no route with a contract has answered; `SSE_TEST_TIMEOUT`;
 * `SSE_INVALID_OPTIONS`
 * @example
 * it('sends only events of its contract', async () => {
 *   expect(await checkEvents(app, '/imports/7')).not.toEqual([]);
 * });
 */
export async function checkEvents(
  app: ObservableApplication,
  path: string,
  init: CheckEventsInit = {},
): Promise<TypedEvent<string, unknown>[]> {
  checkOptions(WHERE, init, TABLE);
  const { until, ...others } = init;
  const observed = observe(app, requestPath(WHERE, path));
  const { response, reading } = await openResponse(WHERE, app, path, others).finally(observed.stop);
  const contract = observed.contract();
  if (!contract) {
    response.destroy();
    throw noContract(reading.what, response.statusCode);
  }
  const stream = new TestStream(response, reading, contractEvent(contract));
  const events: TypedEvent<string, unknown>[] = [];
  try {
    for (;;) {
      const event = until === undefined ? await stream.nextOrEnd() : await stream.next();
      if (!event) break;
      if (event.type === 'error' && !('error' in contract['~contract'])) throw failed(reading.what, event);
      events.push(event);
      if (event.type === until) break;
    }
  } finally {
    await stream.close();
  }
  return events;
}

interface Observed {
  contract(): AnyContract | undefined;
  stop(): unknown;
}

interface Connections {
  readonly onOpen: Set<(request: object, handler: object) => void>;
}

/** Finds the contract of the handler that answers a request for a path. */
function observe(app: ObservableApplication, path: string): Observed {
  const { onOpen } = app.get(SSE_CONNECTIONS, { strict: false }) as Connections;
  let contract: AnyContract | undefined;
  const opened = (request: object, handler: object): void => {
    const { originalUrl, url } = request as { originalUrl?: string; url?: string };
    if ((originalUrl ?? url) !== path) return;
    const events = routeOptionsOf(handler)?.events;
    if (isContract(events)) contract = events;
  };
  onOpen.add(opened);
  return { contract: () => contract, stop: () => onOpen.delete(opened) };
}

function noContract(what: string, status: number | undefined): SseError {
  return new SseError(
    'SSE_INVALID_CONTRACT',
    `${WHERE}: No route with a contract has answered ${what} (status ${status}).`,
    { remedy: 'Add "events" to @Sse(), or correct the request.' },
  );
}

function failed(what: string, { data }: ReceivedEventOf<AnyContract>): SseError {
  return new SseError('SSE_INVALID_EVENT', `${what} has sent the error event ${JSON.stringify(data)}.`, {
    remedy: 'The log of the application has the error.',
    context: { data },
  });
}
