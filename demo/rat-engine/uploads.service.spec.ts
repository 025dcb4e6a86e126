import { PassThrough } from 'node:stream';
import type { IncomingMessage } from 'node:http';
import { Channels, type Slot } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { MemoryRecords } from '../state/memory-records.js';
import { Work } from '../state/work.js';
import { UploadFiles } from './upload-files.js';
import { UploadNews } from './upload-news.service.js';
import type { StoredUpload, UploadRecord } from './upload-session.js';
import { Uploads } from './uploads.service.js';

const HEAD = '--b\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n';

const STORED: StoredUpload = {
  session_id: 's1',
  filename: 'a.txt',
  file_size: 3,
  download_url: '/api/download/s1',
  file: 'f',
};

/** A request that is sent as the test says. */
function sending(): PassThrough & IncomingMessage {
  const request = new PassThrough() as PassThrough & IncomingMessage;
  request.headers = { 'content-type': 'multipart/form-data; boundary=b', 'content-length': '1000' };
  return request;
}

describe('Uploads', () => {
  it('does not change a session that another process has taken over, and ends its own work', async () => {
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
    const uploads = new Uploads(news, files, work as unknown as Work, new Pace(1), 1_000_000);
    const request = sending();
    const receiving = uploads.receive('s1', request);
    const said = channels.channel('rat-engine/upload/s1').subscribe();
    await said.ready;
    request.write(`${HEAD}${'x'.repeat(100)}`);
    await said.next();
    const other: UploadRecord = { filename: 'b.txt', progress: 1 };
    await news.note('s1', other);
    lose();
    await expect(receiving).rejects.toThrow('interrupted');
    expect(await news.find('s1')).toEqual(other);
    expect(said.take()).toBeUndefined();
    said.close();
    await channels.close();
    await files.onApplicationShutdown();
  });

  it.each<[string, UploadRecord, Record<string, unknown>]>([
    ['complete', { filename: 'a.txt', progress: 100, stored: STORED }, { type: 'completed', file_size: 3 }],
    ['half done', { filename: 'a.txt', progress: 37 }, { type: 'error' }],
  ])('tells its viewers the end of one that was %s when its process died', async (_what, left, end) => {
    const channels = new Channels();
    const news = new UploadNews(channels, new MemoryRecords());
    const files = new UploadFiles();
    const work = new Work(undefined);
    const uploads = new Uploads(news, files, work, new Pace(5000), 1_000_000);
    const place = await work.begin('rat-engine/upload/s1', () => undefined);
    const viewers = [1, 2].map(() => uploads.watch('s1', undefined, new AbortController().signal));
    for (const viewer of viewers) await viewer.next();
    const last = Promise.all(viewers.map((viewer) => viewer.next()));
    await news.note('s1', left);
    place?.release();
    for (const { value } of await last) expect(value?.data).toMatchObject(end);
    for (const viewer of viewers) expect(await viewer.next()).toEqual({ value: undefined, done: true });
    expect(await news.isOpen('s1')).toBe(false);
    await channels.close();
    await files.onApplicationShutdown();
  });
});
