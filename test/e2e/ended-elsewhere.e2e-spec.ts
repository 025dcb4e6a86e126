import { Controller, type INestApplication } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import { Channels, Sse, SseConnections } from 'nestjs-event-stream';
import { Subject, firstValueFrom } from 'rxjs';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';
import { RawClient } from './raw-client.js';

let responses: ServerResponse[] = [];
let released = 0;
let feed = new Subject<string>();

@Controller()
class StreamsController {
  constructor(private readonly channels: Channels) {}

  @Sse('channel')
  channel() {
    return this.channels.channel('news').subscribe();
  }
  @Sse('observable')
  observable() {
    return feed;
  }
  @Sse('generator')
  async *generator() {
    try {
      for (;;) yield await firstValueFrom(feed);
    } finally {
      released++;
    }
  }
}

/** The end of a chunked body. */
const LAST_CHUNK = '0\r\n\r\n';

eachAdapter((adapter) => {
  eachWay((setUp) => {
    let app: INestApplication;
    beforeEach(async () => {
      [responses, released, feed] = [[], 0, new Subject()];
      app = await makeApp(adapter, {
        controllers: [StreamsController],
        sse: { heartbeat: false },
        setUp: (made) => {
          setUp(made);
          made.use((_request: object, response: ServerResponse, next: () => void) => {
            responses.push(response);
            next();
          });
        },
      });
    });
    afterEach(closeApps);

    const publish = async (path: string, text: string): Promise<void> => {
      if (path === 'channel') await app.get(Channels).channel('news').publish(text);
      else feed.next(text);
    };

    it.each(['channel', 'observable', 'generator'])(
      'nothing follows the last chunk if other code ends the response (%s)',
      async (path) => {
        const client = await RawClient.get(app, `/${path}`);
        await client.receives(':\n');
        // A generator gets only the values that are emitted while it listens.
        const published = setInterval(() => void publish(path, 'first'), 1);
        await client.receives('data: first');
        clearInterval(published);
        await until(() => client.received.endsWith('\n\n\r\n'));
        const [response] = responses as [ServerResponse];
        response.end();
        for (let i = 0; i < 5; i++) await publish(path, 'second');
        await until(() => app.get(SseConnections).count() === 0);
        await publish(path, 'third');
        await client.receives(LAST_CHUNK);
        expect(client.received).toMatch(/data: first\n\n\r\n0\r\n\r\n$/);
        if (path === 'generator') await until(() => released === 1);
        else if (path === 'observable') expect(feed.observed).toBe(false);
        else expect(app.get(Channels).channel('news').size()).toBe(0);

        // The connection can be used for another request.
        client.received = '';
        client.send('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n');
        await client.receives('"statusCode":404');
        expect(client.received).toMatch(/^HTTP\/1\.1 404 /);
        client.leave();
      },
    );
  });
});
