import { Controller, Param } from '@nestjs/common';
import { EventSource } from 'eventsource';
import * as fc from 'fast-check';
import { event, Sse, type EventInit } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { eventInit, received, receivedData } from '../fixtures/arbitrary-events.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

type Given = EventInit & { data: unknown };

const given = new Map<string, Given[]>();

@Controller()
class AnyController {
  @Sse('any/:key')
  async *any(@Param('key') key: string) {
    for (const init of given.get(key) ?? []) yield event(init);
    yield { type: 'the-last', data: '' };
  }
}

/** The events that a stock EventSource dispatches for the given types, up to the last event. */
function dispatched(
  url: string,
  types: string[],
): Promise<{ type: string; data: string; lastEventId: string }[]> {
  const events: { type: string; data: string; lastEventId: string }[] = [];
  const source = new EventSource(url);
  return new Promise((resolve, reject) => {
    for (const type of new Set(['message', ...types])) {
      source.addEventListener(type, ({ data, lastEventId }) =>
        events.push({ type, data: data as string, lastEventId }),
      );
    }
    source.addEventListener('the-last', () => {
      source.close();
      resolve(events);
    });
    source.addEventListener('error', ({ message }) => reject(new Error(message)));
  });
}

// `open` and `error` are event names that EventSource reserves for itself.
const sample = fc
  .array(eventInit, { minLength: 1, maxLength: 6 })
  .filter((inits) => inits.every(({ type }) => !['open', 'error', 'the-last'].includes(type ?? '')));

eachAdapter((adapter) => {
  afterAll(closeApps);

  it('any event reaches an EventSource over HTTP unchanged', async () => {
    const app = await makeApp(adapter, { controllers: [AnyController], forceCloseConnections: true });
    const url = await app.getUrl();
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(sample, async (inits) => {
        const key = String(runs++);
        given.set(key, inits);
        const types = inits.flatMap(({ type }) => (type === undefined ? [] : [received(type)]));
        const events = await dispatched(`${url}/any/${key}`, types);
        expect(events).toEqual(
          inits.map(({ type, id, data }) => ({
            type: type === undefined ? 'message' : received(type),
            data: receivedData(data),
            // The standard keeps the last ID here. This client reports the ID of the event itself.
            lastEventId: String(id ?? ''),
          })),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('a value of 1 MiB arrives whole', async () => {
    const app = await makeApp(adapter, { controllers: [AnyController], forceCloseConnections: true });
    const data = `${'ä'.repeat(1000)}\n`.repeat(512);
    given.set('large', [{ data }]);
    const stream = await openStream(app, '/any/large');
    expect((await stream.next()).data).toBe(data);
    await stream.end();
  });
});
