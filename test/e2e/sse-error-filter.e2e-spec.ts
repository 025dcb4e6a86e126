import { Body, Controller, Get, NotFoundException, Post, UseFilters } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { Channels, event, memoryLog, SseErrorFilter } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

interface Publication {
  channel: string;
  id?: string;
  data: string;
}

@Controller()
class PublishController {
  constructor(private readonly channels: Channels) {}

  @Post('unfiltered')
  unfiltered(@Body() { channel, data }: Publication) {
    return this.channels.channel(channel).publish(data);
  }
  @UseFilters(SseErrorFilter)
  @Post('publish')
  async publish(@Body() { channel, id, data }: Publication) {
    return { id: await this.channels.channel(channel).publish(event({ ...(id && { id }), data })) };
  }
  @UseFilters(SseErrorFilter)
  @Post('mistake')
  mistake() {
    return this.channels.channel('a').publish(1n);
  }
  @UseFilters(SseErrorFilter)
  @Get('other')
  other() {
    throw new NotFoundException('not ours');
  }
}

eachAdapter((adapter) => {
  const logger = new RecordingLogger();
  beforeEach(() => (logger.errors.length = 0));
  afterEach(closeApps);

  const make = (providers: object[] = []): Promise<INestApplication> =>
    makeApp(adapter, {
      controllers: [PublishController],
      providers: providers as never,
      sse: { log: memoryLog({ maxEventBytes: 100 }) },
      logger,
    });
  const post = async (app: INestApplication, path: string, body: Publication): Promise<[number, unknown]> => {
    const answer = await openStream(app, path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return [answer.status, await answer.json()];
  };

  it('an event that cannot be published gets the status of its error', async () => {
    const app = await make();
    expect(await post(app, '/publish', { channel: 'a', id: '2', data: 'b' })).toEqual([201, { id: '2' }]);
    expect(await post(app, '/publish', { channel: 'a', id: '1', data: 'b' })).toEqual([
      409,
      { statusCode: 409, error: 'Conflict', message: 'The id does not follow the id of the last event.' },
    ]);
    expect(await post(app, '/publish', { channel: '', data: 'b' })).toEqual([
      400,
      { statusCode: 400, error: 'Bad Request', message: 'The channel name is not valid.' },
    ]);
    expect(await post(app, '/publish', { channel: 'a', data: 'x'.repeat(200) })).toEqual([
      413,
      { statusCode: 413, error: 'Payload Too Large', message: 'The event is too large.' },
    ]);
    expect(logger.errors).toEqual([]);
  });

  it('503 while the log is unavailable, which is logged with its route', async () => {
    const app = await make();
    await app.get(Channels).log.close();
    expect(await post(app, '/publish', { channel: 'a', data: 'b' })).toEqual([
      503,
      { statusCode: 503, error: 'Service Unavailable', message: 'The event log is temporarily unavailable.' },
    ]);
    expect(logger.errors).toEqual([
      expect.stringMatching(
        /^POST \/publish: SseError: The event log was closed\.[^]*code: SSE_LOG_UNAVAILABLE$/,
      ),
    ]);
  });

  it('a programming error stays a 500, logged once; an error of other code is unchanged', async () => {
    const app = await make();
    const mistake = await openStream(app, '/mistake', { method: 'POST' });
    expect([mistake.status, await mistake.json()]).toEqual([
      500,
      { statusCode: 500, message: 'Internal server error' },
    ]);
    expect(logger.errors).toEqual([expect.stringContaining('cannot be written as JSON')]);
    expect((await openStream(app, '/other')).status).toBe(404);
  });

  it('can serve the whole application', async () => {
    const big: Publication = { channel: 'a', data: 'x'.repeat(200) };
    expect(await post(await make(), '/unfiltered', big)).toEqual([500, expect.anything()]);
    const provided = await make([{ provide: APP_FILTER, useClass: SseErrorFilter }]);
    expect((await post(provided, '/unfiltered', big))[0]).toBe(413);
    const used = await makeApp(adapter, {
      controllers: [PublishController],
      sse: { log: memoryLog({ maxEventBytes: 100 }) },
      setUp: (app) => void app.useGlobalFilters(new SseErrorFilter(app.getHttpAdapter())),
    });
    expect((await post(used, '/unfiltered', big))[0]).toBe(413);
  });
});
