import { Controller, Query, type INestApplication } from '@nestjs/common';
import { LastEventId, Sse, SseConnection } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';
import { RawClient } from './raw-client.js';

let calls = 0;

function* told(after: string | undefined) {
  calls++;
  yield { after: after ?? null };
}

@Controller()
class Resumed {
  @Sse('header')
  header(@LastEventId() after: string | undefined, @SseConnection() connection: SseConnection) {
    expect(connection.lastEventId).toBe(after);
    return told(after);
  }
  @Sse('query', { lastEventIdQuery: true })
  query(@LastEventId() after: string | undefined, @Query('other') _other: string) {
    return told(after);
  }
  @Sse('short', { maxLastEventIdBytes: 4 })
  short(@LastEventId() after: string | undefined) {
    return told(after);
  }
}

eachAdapter((adapter) => {
  let app: INestApplication;
  let logger: RecordingLogger;
  beforeEach(async () => {
    calls = 0;
    logger = new RecordingLogger();
    app = await makeApp(adapter, { controllers: [Resumed], logger });
  });
  afterEach(async () => {
    await closeApps();
    expect(logger.errors).toEqual([]);
    expect(logger.warnings).toEqual([]);
  });

  /** Returns the last event ID that the handler got for these bytes in the header. */
  async function given(bytes: Buffer | string, path = '/header'): Promise<unknown> {
    const client = await RawClient.connect(app);
    client.socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nLast-Event-ID: `);
    client.socket.write(bytes);
    client.socket.write('\r\n\r\n');
    await client.isClosed();
    const [, data] = /^data: (.*)$/m.exec(client.body) ?? [];
    return data === undefined
      ? client.received.split('\r\n', 1)[0]
      : (JSON.parse(data) as { after: unknown }).after;
  }
  const asked = async (path: string, lastEventId?: string): Promise<unknown> => {
    const stream = await openStream(app, path, lastEventId === undefined ? {} : { lastEventId });
    if (stream.status !== 200) return stream.status;
    return (await stream.next()).json<{ after: unknown }>().after;
  };

  describe('the last event ID of a client', () => {
    it.each<[string, Buffer | string, unknown]>([
      ['ASCII as it is', '1753-42', '1753-42'],
      ['spaces inside', 'a b', 'a b'],
      ['without the spaces around it', '  7  ', '7'],
      ['UTF-8, as browsers send it', Buffer.from('é二😀'), 'é二😀'],
      ['Latin-1, where it is no UTF-8', Buffer.from([0x61, 0xe9, 0x62]), 'aéb'],
      ['bytes that are neither whole UTF-8, nor control characters', Buffer.from([0xc3, 0x28]), 'Ã('],
      ['an overlong encoding, as Latin-1', Buffer.from([0xc0, 0xaf]), 'À¯'],
      ['nothing, if it is empty', '', null],
      ['nothing, if it is blank', '   ', null],
      ['as much as 4096 bytes', 'x'.repeat(4096), 'x'.repeat(4096)],
    ])('is accepted: %s', async (_what, bytes, id) => {
      expect(await given(bytes)).toBe(id);
    });

    it('is a number only as a string', async () => {
      expect(await given('007')).toBe('007');
    });

    it.each<[string, Buffer | string]>([
      ['4097 bytes', 'x'.repeat(4097)],
      ['4096 characters of more bytes', Buffer.from('é'.repeat(4096))],
      ['a tab', 'a\tb'],
      ['C1 and DEL', Buffer.from([0x61, 0x7f, 0x62])],
      ['10 KiB', 'x'.repeat(10_240)],
    ])('is a 400 before any handler: %s', async (_what, bytes) => {
      expect(await given(bytes)).toMatch(/^HTTP\/1\.1 400 /);
      expect(calls).toBe(0);
    });

    it.each<[string, Buffer | string, RegExp]>([
      ['NUL', Buffer.from([0x61, 0, 0x62]), /^HTTP\/1\.1 400 /],
      ['a megabyte', 'x'.repeat(1 << 20), /^HTTP\/1\.1 431 /],
    ])('is rejected by the HTTP parser: %s', async (_what, bytes, status) => {
      expect(await given(bytes)).toMatch(status);
      expect(calls).toBe(0);
    });

    it('is rejected with the reason, without repeating the value', async () => {
      const stream = await openStream(app, '/short', { lastEventId: '12345' });
      expect(await stream.json()).toEqual({
        statusCode: 400,
        error: 'Bad Request',
        message: 'The Last-Event-ID cannot be read: it has 5 bytes, and the limit is 4.',
      });
    });

    it('is the last one sent, not a join of two headers', async () => {
      const client = await RawClient.get(
        app,
        '/header',
        'Connection: close',
        'Last-Event-ID: 1',
        'Last-Event-ID: 2',
      );
      await client.isClosed();
      expect(client.body).toContain('data: {"after":"1, 2"}');
    });
  });

  describe('the query parameter lastEventId', () => {
    it('sets it on a first connect', async () => {
      expect(await asked('/query?lastEventId=42')).toBe('42');
      expect(await asked('/query?other=1&lastEventId=%C3%A9%20b')).toBe('é b');
    });

    it('is ignored if there is a header, which is newer', async () => {
      expect(await asked('/query?lastEventId=42', '43')).toBe('43');
    });

    it('is ignored on a route that does not allow it', async () => {
      expect(await asked('/header?lastEventId=42')).toBe(null);
    });

    it.each([
      '',
      '?lastEventId',
      '?lastEventId=',
      '?lastEventId=1&lastEventId=2',
      '?lastEventId[]=1',
      '?lasteventid=1',
    ])('is ignored in %p', async (query) => {
      expect(await asked(`/query${query}`)).toBe(null);
    });

    it.each([
      ['control characters', '/query?lastEventId=a%0Ab'],
      ['NUL', '/query?lastEventId=%00'],
      ['more bytes than are read', `/query?lastEventId=${'x'.repeat(5000)}`],
    ])('is a 400 with %s', async (_what, path) => {
      expect(await asked(path)).toBe(400);
      expect(calls).toBe(0);
    });

    it('that is not valid UTF-8 does no harm', async () => {
      expect([200, 400]).toContain((await openStream(app, '/query?lastEventId=%FF%FE')).status);
    });

    it('can say that the stream was over, as the header does', async () => {
      expect(await asked('/query?lastEventId=~end')).toBe(204);
    });
  });
});
