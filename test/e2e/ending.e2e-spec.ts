import {
  Controller,
  ForbiddenException,
  Param,
  RequestMethod,
  ServiceUnavailableException,
} from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { EventSource } from 'eventsource';
import { concat, of, throwError } from 'rxjs';
import {
  event,
  LastEventId,
  retryAfter,
  Sse,
  SseConnections,
  type SseRouteOptions,
} from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const circular: { self?: unknown } = {};
circular.self = circular;

/** Contains only the request not to reconnect. It also reaches clients that store an ID only from an event with data. */
const FAREWELL = 'event: ~end\nid: ~end\ndata: \n\n';

/** Options, the end that every client sees, and the end that a client which can reconnect sees. */
const COMPLETE: Record<string, [complete: SseRouteOptions['complete'], bytes: string, comesBack: string]> = {
  nothing: [undefined, '', FAREWELL],
  "'reconnect'": ['reconnect', '', ''],
  'a named event': [
    { event: 'FINISHED', data: 'done' },
    'event: FINISHED\ndata: done\n\n',
    'event: FINISHED\nid: ~end\ndata: done\n\n',
  ],
  'a name alone': [{ event: 'end' }, 'event: end\ndata: \n\n', 'event: end\nid: ~end\ndata: \n\n'],
  'data alone': [{ data: '[DONE]' }, 'data: [DONE]\n\n', 'id: ~end\ndata: [DONE]\n\n'],
  'an object': [
    { event: 'end', data: { ok: true } },
    'event: end\ndata: {"ok":true}\n\n',
    'event: end\nid: ~end\ndata: {"ok":true}\n\n',
  ],
  null: [{ data: null }, 'data: null\n\n', 'id: ~end\ndata: null\n\n'],
  'an event with an id of its own': [
    { event: 'end', data: 'x', id: '99' },
    'event: end\nid: 99\ndata: x\n\n',
    `event: end\nid: 99\ndata: x\n\n${FAREWELL}`,
  ],
};

let runs = 0;
const cursors: (string | undefined)[] = [];

function endings(): Record<string, (new () => object)[]> {
  const made: Record<string, (new () => object)[]> = {};
  for (const [index, [name, [complete]]] of Object.entries(COMPLETE).entries()) {
    @Controller(`complete/${index}`)
    class CompleteController {
      @Sse('generator', complete === undefined ? {} : { complete })
      async *generator() {
        yield { id: 5, data: 'a' };
      }
      @Sse('observable', complete === undefined ? {} : { complete })
      observable() {
        return of({ id: 5, data: 'a' });
      }
      @Sse('post', { method: RequestMethod.POST, ...(complete !== undefined && { complete }) })
      *post() {
        yield { id: 5, data: 'a' };
      }
    }
    made[name] = [CompleteController];
  }
  return made;
}

@Controller()
class EndingController {
  @Sse('finite')
  async *finite(@LastEventId() id: string | undefined) {
    runs++;
    cursors.push(id);
    yield retryAfter(10);
    yield { id: `run-${runs}`, data: runs };
  }
  @Sse('again', { complete: 'reconnect' })
  async *again(@LastEventId() id: string | undefined) {
    runs++;
    cursors.push(id);
    yield event({ retry: 10, id: `run-${runs}`, data: runs });
  }
  @Sse('fails/:status')
  async *fails(@Param('status') status: string, @LastEventId() id: string | undefined) {
    runs++;
    cursors.push(id);
    yield event({ retry: 10, id: `run-${runs}`, data: runs });
    throw status === '403' ? new ForbiddenException('not you') : new ServiceUnavailableException('later');
  }
  @Sse('fails-observable')
  failsObservable() {
    return concat(
      of('a'),
      throwError(() => new ForbiddenException('not you')),
    );
  }
  @Sse('bad-last', { complete: { event: 'end', data: circular } })
  async *badLast() {
    yield 'a';
  }
  @Sse('bad-last-observable', { complete: { event: 'end', data: 1n } })
  badLastObservable() {
    return of('a');
  }
  @Sse('ids', { ids: 'sequence', complete: { event: 'end' } })
  *ids() {
    yield 'a';
  }
  @Sse('serialized', { serialize: (value) => `<${String(value)}>`, complete: { data: 7 } })
  *serialized() {
    yield 1;
  }
}

const EVENT_SOURCE = { accept: 'text/event-stream', 'cache-control': 'no-cache' };

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    const logger = new RecordingLogger();
    const uncaught: unknown[] = [];
    const onUncaught = (error: unknown): void => void uncaught.push(error);
    beforeAll(async () => {
      app = await makeApp(adapter, {
        controllers: [...Object.values(endings()).flat(), EndingController],
        logger,
        setUp,
        forceCloseConnections: true,
      });
      process.on('unhandledRejection', onUncaught);
    });
    beforeEach(() => {
      runs = 0;
      cursors.length = 0;
      logger.errors.length = 0;
    });
    afterAll(async () => {
      process.off('unhandledRejection', onUncaught);
      await closeApps();
      expect(uncaught).toEqual([]);
    });

    const body = async (
      path: string,
      headers: Record<string, string> = {},
      method = 'GET',
    ): Promise<string> => {
      const stream = await openStream(app, path, { headers, method });
      expect(await stream.end()).toBe('ended');
      return stream.raw();
    };

    describe.each(Object.entries(COMPLETE))(
      'a stream that completes with %s',
      (name, [, bytes, comesBack]) => {
        const path = `/complete/${Object.keys(COMPLETE).indexOf(name)}`;
        it.each(['generator', 'observable'])(
          'says so to any client, and tells an EventSource not to reconnect (%s)',
          async (route) => {
            expect(await body(`${path}/${route}`)).toBe(`:\nid: 5\ndata: a\n\n${bytes}`);
            expect(await body(`${path}/${route}`, EVENT_SOURCE)).toBe(`:\nid: 5\ndata: a\n\n${comesBack}`);
          },
        );

        it('sends no request to stay away to a client that does not reconnect', async () => {
          for (const headers of [
            { 'cache-control': 'max-age=0' },
            { 'cache-control': 'no-cached' },
            { pragma: 'no-cache' },
          ]) {
            expect(await body(`${path}/generator`, headers as never)).toBe(`:\nid: 5\ndata: a\n\n${bytes}`);
          }
          expect(await body(`${path}/post`, EVENT_SOURCE, 'POST')).toBe(`:\nid: 5\ndata: a\n\n${bytes}`);
        });
      },
    );

    it('the last event is not numbered, and is written by the serializer of the route', async () => {
      expect(await body('/ids')).toBe(':\nid: 1\ndata: a\n\nevent: end\ndata: \n\n');
      expect(await body('/serialized')).toBe(':\ndata: <1>\n\ndata: <7>\n\n');
    });

    it.each(['/bad-last', '/bad-last-observable'])(
      'a last event that cannot be serialized is an error event (%s)',
      async (path) => {
        expect(await body(path)).toBe(
          ':\ndata: a\n\nevent: error\ndata: {"statusCode":500,"error":"Internal Server Error","message":"Internal server error"}\n\n',
        );
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain('cannot be written as JSON');
      },
    );

    describe('a client that reconnects to a finished stream', () => {
      it('gets 204 without a body, and no handler runs', async () => {
        for (const headers of [{ 'last-event-id': '~end' }, { ...EVENT_SOURCE, 'last-event-id': '~end' }]) {
          const answer = await openStream(app, '/finite', { headers });
          expect(answer.status).toBe(204);
          await answer.end();
          expect(answer.raw()).toBe('');
          expect(answer.headers['content-type']).toBeUndefined();
        }
        expect(runs).toBe(0);
        await until(() => app.get(SseConnections).count() === 0);
      });
    });

    describe('after an error', () => {
      const error = (statusCode: number, name: string, message: string): string =>
        `event: error\ndata: ${JSON.stringify({ statusCode, error: name, message })}\n\n`;
      it('of the client (4xx), an EventSource is asked to stay away', async () => {
        const told = error(403, 'Forbidden', 'not you');
        const before = 'id: run-1\nretry: 10\ndata: 1\n\n';
        expect(await body('/fails/403')).toBe(`:\n${before}${told}`);
        runs = 0;
        expect(await body('/fails/403', EVENT_SOURCE)).toBe(`:\n${before}${told}${FAREWELL}`);
        expect(await body('/fails-observable', EVENT_SOURCE)).toBe(`:\ndata: a\n\n${told}${FAREWELL}`);
      });

      it('of the server (5xx), no client is asked to stay away: the cursor does not change', async () => {
        const told = error(503, 'Service Unavailable', 'later');
        expect(await body('/fails/503', EVENT_SOURCE)).toBe(`:\nid: run-1\nretry: 10\ndata: 1\n\n${told}`);
      });
    });

    describe('a stock EventSource', () => {
      /** Follows a route until the client gives up, or until `enough` events have arrived. */
      const follow = async (path: string, enough = Infinity): Promise<{ data: string[]; state: number }> => {
        const source = new EventSource(`${await app.getUrl()}${path}`);
        const data: string[] = [];
        source.addEventListener('message', (message) => data.push(message.data as string));
        await until(
          () => source.readyState === EventSource.CLOSED || data.length >= enough,
          'the end of the EventSource',
        );
        const { readyState: state } = source;
        source.close();
        return { data, state };
      };

      it('stops by itself when the stream is finished', async () => {
        expect(await follow('/finite')).toEqual({ data: ['1'], state: EventSource.CLOSED });
        expect(cursors).toEqual([undefined]);
      });

      it('reconnects if the stream asks for it', async () => {
        expect(await follow('/again', 3)).toEqual({
          data: ['1', '2', '3'],
          state: expect.any(Number) as number,
        });
        expect(cursors.slice(0, 3)).toEqual([undefined, 'run-1', 'run-2']);
      });

      it('does not reconnect after an error that would occur again', async () => {
        expect(await follow('/fails/403')).toEqual({ data: ['1'], state: EventSource.CLOSED });
        expect(cursors).toEqual([undefined]);
      });

      it('reconnects after an error of the server, and resumes', async () => {
        const { data } = await follow('/fails/503', 2);
        expect(data).toEqual(['1', '2']);
        expect(cursors.slice(0, 2)).toEqual([undefined, 'run-1']);
      });
    });
  }),
);
