import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { checkEvents, openStream } from 'nestjs-event-stream/testing';
import { AppModule } from './app.module.js';
import { importEvents } from './import-events.js';
import { ImportsService } from './imports.service.js';

describe('an import', () => {
  let app: INestApplication;

  beforeEach(async () => {
    const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = module.createNestApplication();
  });
  afterEach(() => app.close());

  it('reports its progress, and the address of its file', async () => {
    const stream = await openStream(app, '/imports/7', { events: importEvents });
    expect((await stream.next('progress')).data.percent).toBe(0);
    await app.get(ImportsService).run('7');
    expect((await stream.next('done')).data.url).toBe('/files/7');
    expect(await stream.end()).toBe('ended');
  });

  it('sends only events of its contract', async () => {
    await app.init();
    await app.get(ImportsService).run('7');
    expect(await checkEvents(app, '/imports/7')).toHaveLength(5);
  });
});
