import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Channels } from './channels.js';
import { memoryLog } from '../log/memory-log.js';
import type { ChannelSubscription } from './subscription.js';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const turn = () => new Promise(setImmediate);

async function heapUsed(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await turn();
    collect();
  }
  return process.memoryUsage().heapUsed;
}

const COUNT = 10_000;

async function open(make: (i: number) => ChannelSubscription): Promise<ChannelSubscription[]> {
  const all = Array.from({ length: COUNT }, (_, i) => make(i));
  for (const subscription of all) {
    subscription.onReadable(() => undefined);
    subscription.take();
  }
  return all;
}

describe('ten thousand idle subscriptions', () => {
  it('to one channel cost less than 1.5 KB each, and nothing when they are gone', async () => {
    const log = memoryLog();
    const channels = new Channels({ log });
    const before = await heapUsed();
    const all = await open(() => channels.channel('a').subscribe());
    const each = ((await heapUsed()) - before) / COUNT;
    expect(each).toBeLessThan(1500);
    for (const subscription of all) subscription.close();
    expect([channels.list(), log.stats()]).toEqual([[], { channels: 0, events: 0, bytes: 0 }]);
  });

  it('to a channel each cost less than 5 KB each, and nothing when they are gone', async () => {
    const log = memoryLog();
    const channels = new Channels({ log });
    const before = await heapUsed();
    const all = await open((i) => channels.channel(`user:${i}`).subscribe());
    expect(((await heapUsed()) - before) / COUNT).toBeLessThan(5000);
    for (const subscription of all) subscription.close();
    expect([channels.list(), log.stats()]).toEqual([[], { channels: 0, events: 0, bytes: 0 }]);
  });

  it('that read nothing do not make publishing hold more than the log keeps', async () => {
    const log = memoryLog({ maxEvents: 10 });
    const channels = new Channels({ log });
    const all = await open(() => channels.channel('a').subscribe());
    const before = await heapUsed();
    for (let i = 0; i < 2000; i++) await channels.channel('a').publish('x'.repeat(1000));
    const grown = (await heapUsed()) - before;
    expect(grown).toBeLessThan(1_000_000);
    expect(log.stats()).toMatchObject({ events: 10 });
    for (const subscription of all) subscription.close();
  });
});
