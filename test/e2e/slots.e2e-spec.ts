import { Controller } from '@nestjs/common';
import { Sse, type SlotStore } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

@Controller()
class Prices {
  @Sse('prices', { limit: { key: 'route', max: 1 } })
  *prices() {
    yield 1;
  }
}

eachAdapter((adapter) => {
  it('a store of slots is closed with the application, after its last slot was released', async () => {
    const told: string[] = [];
    const slots: SlotStore = {
      acquire: () => {
        told.push('acquired');
        return Promise.resolve({ slot: { release: () => told.push('released') } });
      },
      close: () => {
        told.push('closed');
      },
    };
    const app = await makeApp(adapter, { controllers: [Prices], sse: { slots } });
    const stream = await openStream(app, '/prices');
    expect(await stream.end()).toBe('ended');
    await closeApps();
    expect(told).toEqual(['acquired', 'released', 'closed']);
  });

  it('a store of slots writes to the log of the application', async () => {
    const logger = new RecordingLogger();
    let own: { warn(line: string): void } | undefined;
    const slots: SlotStore = {
      acquire: () => ({ slot: { release: () => undefined } }),
      useLogger: (given) => void (own = given),
    };
    await makeApp(adapter, { controllers: [Prices], sse: { slots }, logger });
    own?.warn('away');
    expect(logger.warnings).toEqual(['away']);
    await closeApps();
  });
});
