import { randomUUID } from 'node:crypto';
import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventSource } from 'eventsource';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter } from '../../e2e/adapters.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';
import { leaveBodiesUnread } from './leave-bodies-unread.js';
import { sendFile } from './send-file.js';

const BINARY = { 'content-type': 'application/octet-stream' };

eachAdapter((adapter) => {
  let folder: string;
  let recipe: RecipeApp;
  let id: string;

  beforeAll(() => void Object.assign(globalThis, { EventSource }));
  afterAll(() => void Reflect.deleteProperty(globalThis, 'EventSource'));
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-upload-'));
    process.env['UPLOADS'] = folder;
    id = randomUUID();
    recipe = await startRecipe(adapter, AppModule, (app) => {
      if (adapter === 'fastify') leaveBodiesUnread(app as NestFastifyApplication);
    });
  });
  afterEach(async () => {
    await closeRecipes();
    delete process.env['UPLOADS'];
    await rm(folder, { recursive: true });
  });

  /** Starts an upload whose pieces come from the test. */
  function begin(bytes: number): { upload: ClientRequest; answer: Promise<[number, unknown]> } {
    const upload = request(`${recipe.url}/uploads/${id}`, {
      method: 'PUT',
      headers: { ...BINARY, 'content-length': bytes },
      agent: false,
    });
    const answer = new Promise<IncomingMessage>((resolve, reject) => {
      upload.once('response', resolve).once('error', reject);
    }).then(async (response): Promise<[number, unknown]> => {
      let body = '';
      for await (const chunk of response) body += String(chunk);
      return [response.statusCode ?? 0, JSON.parse(body)];
    });
    answer.catch(() => undefined);
    return { upload, answer };
  }

  it('a second request sees the progress while the upload runs', async () => {
    const stream = await openStream(recipe.app, `/uploads/${id}/progress`);
    const { upload, answer } = begin(200);
    upload.write('x'.repeat(50));
    await stream.next();
    upload.write('x'.repeat(100));
    await stream.next();
    upload.end('x'.repeat(50));
    expect(await answer).toEqual([200, { bytes: 200 }]);
    expect(await stream.end()).toBe('ended');
    const blocks = stream.raw().replaceAll(/^id: .*\n/gm, '');
    expect(blocks).toBe(
      ':\n' +
        'event: progress\ndata: {"percent":25}\n\n' +
        'event: progress\ndata: {"percent":75}\n\n' +
        'event: progress\ndata: {"percent":100}\n\n' +
        'event: done\ndata: {"bytes":200}\n\n',
    );
    expect(await readFile(join(folder, id), 'utf8')).toBe('x'.repeat(200));
    await nothingIsOpen(recipe);
  });

  it('a stream that opens later or reconnects gets the events that it has not seen', async () => {
    const { upload, answer } = begin(4);
    upload.write('ab');
    const first = await openStream(recipe.app, `/uploads/${id}/progress`);
    const { data, id: lastEventId = '' } = await first.next();
    expect(data).toBe('{"percent":50}');
    await first.close();
    upload.end('cd');
    await answer;
    const again = await openStream(recipe.app, `/uploads/${id}/progress`, { lastEventId });
    expect((await again.rest()).map(({ type }) => type)).toEqual(['progress', 'done']);
    const late = await openStream(recipe.app, `/uploads/${id}/progress`);
    expect((await late.rest()).map(({ type }) => type)).toEqual(['progress', 'progress', 'done']);
  });

  it('an upload that breaks off is reported, and leaves no file', async () => {
    const stream = await openStream(recipe.app, `/uploads/${id}/progress`);
    const { upload } = begin(100);
    upload.write('x'.repeat(10));
    await stream.next('progress');
    upload.destroy();
    expect(await stream.rest()).toMatchObject([{ type: 'failed', data: '{}' }]);
    expect(await readdir(folder)).toEqual([]);
  });

  it('an id that is in use is answered with 409, and the first upload is not affected', async () => {
    await writeFile(join(folder, id), 'first');
    const { upload, answer } = begin(6);
    upload.end('second');
    expect(await answer).toMatchObject([409, { message: 'There is an upload with this id.' }]);
    expect(await readFile(join(folder, id), 'utf8')).toBe('first');
  });

  it('a body without a length, a body that is too long, and another ID are rejected', async () => {
    const put = (path: string, init: RequestInit = {}) =>
      fetch(`${recipe.url}/uploads/${path}`, { method: 'PUT', headers: BINARY, body: 'x', ...init });
    expect((await put('7')).status).toBe(400);
    expect((await openStream(recipe.app, '/uploads/..%2F7/progress')).status).toBe(400);
    const chunked = { body: new Blob(['x']).stream(), duplex: 'half' };
    expect((await put(id, chunked as RequestInit)).status).toBe(411);
    const { upload, answer } = begin(2 * 1024 ** 3);
    upload.flushHeaders();
    expect((await answer)[0]).toBe(413);
    upload.destroy();
    expect(await readdir(folder)).toEqual([]);
  });

  it('the page shows the progress of its file', async () => {
    const shown: number[] = [];
    await sendFile(recipe.url, new Blob(['x'.repeat(1000)]), (percent) => shown.push(percent));
    expect(shown.at(-1)).toBe(100);
    await expect(sendFile(`${recipe.url}/none`, new Blob(['x']), () => undefined)).rejects.toThrow('404');
  });

  it('a shutdown ends the stream', async () => {
    const stream = await openStream(recipe.app, `/uploads/${id}/progress`);
    await recipe.app.close();
    expect(await stream.end()).toBe('ended');
  });
});
