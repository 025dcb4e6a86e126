import { writeSync } from 'node:fs';
import { CHATS, ChatsController, runChats, seeded } from '../fixtures/ai-chats.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, makeApp } from './adapters.js';

eachAdapter((adapter) => {
  afterEach(closeApps);

  it('in many chats with reloads, second tabs and stops, every tab shows the text of the source once', async () => {
    const logger = new RecordingLogger();
    const app = await makeApp(adapter, {
      controllers: [ChatsController],
      logger,
      forceCloseConnections: true,
    });
    const seed = Date.now() % 1_000_000;
    const figures = await runChats(CHATS, [app], seeded(seed));
    if (process.env['CHATS']) writeSync(2, `${adapter}: ${JSON.stringify(figures)}\n`);
    expect({ seed, faults: figures.faults }).toEqual({ seed, faults: [] });
    expect(figures.chats).toBe(CHATS);
    expect(logger.errors).toEqual([]);
  });
});
