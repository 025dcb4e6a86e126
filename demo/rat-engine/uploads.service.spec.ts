import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { Channels, type Slot } from 'nestjs-event-stream';
import { MemoryRecords } from '../state/memory-records.js';
import type { Work } from '../state/work.js';
import { UploadFiles } from './upload-files.js';
import { UploadNews } from './upload-news.service.js';
import type { UploadRecord } from './upload-session.js';
import { Uploads } from './uploads.service.js';

const HEAD = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';

/** A request that is sent as the test says. */
function sending(): PassThrough & IncomingMessage {
  const request = new PassThrough() as PassThrough & IncomingMessage;
  request.headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': '1000' };
  return request;
}

describe('Uploads', () => {
  it('leaves a session alone that another process has taken over, and ends its own part', async () => {
    const channels = new Channels();
    const news = new UploadNews(channels, new MemoryRecords());
    const files = new UploadFiles();
    let lose = (): void => undefined;
    const work = {
      begin: (_name: string, onLost: () => void): Promise<Slot> => {
        lose = onLost;
        return Promise.resolve({ release: () => undefined });
      },
    };
    const uploads = new Uploads(news, files, work as unknown as Work, 1_000_000);
    const request = sending();
    const receiving = uploads.receive('s1', request);
    const said = channels.channel('rat-engine/upload/s1').subscribe();
    await said.ready;
    request.write(`${HEAD}${'x'.repeat(100)}`);
    await said.next();
    const other: UploadRecord = { filename: 'b.txt', progress: 1 };
    await news.note('s1', other);
    lose();
    await expect(receiving).rejects.toThrow('broken off');
    expect(await news.find('s1')).toEqual(other);
    expect(said.take()).toBeUndefined();
    said.close();
    await channels.close();
    await files.onApplicationShutdown();
  });
});
