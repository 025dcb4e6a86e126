import { setImmediate as turn } from 'node:timers/promises';
import { Controller, Get } from '@nestjs/common';
import compression from 'compression';
import { Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, makeApp } from './adapters.js';

@Controller()
class Endless {
  @Sse('endless')
  async *endless() {
    for (;;) yield 'x'.repeat(1000);
  }

  @Get('ping')
  ping() {
    return 'pong';
  }
}

describe('a generator that never waits, to a client that reads, behind middleware that wraps the response', () => {
  afterEach(closeApps);

  it('lets the rest of the process run', async () => {
    const app = await makeApp('express', {
      controllers: [Endless],
      setUp: (made) => void made.use(compression()),
    });
    const stream = await openStream(app, '/endless');
    await stream.rawUntil((body) => body.length > 200_000);
    for (let i = 0; i < 10; i++) await turn();
    const ping = await openStream(app, '/ping', { headers: { accept: '*/*' } });
    expect([ping.status, await ping.end(), ping.raw()]).toEqual([200, 'ended', 'pong']);
    await stream.close();
  });
});
