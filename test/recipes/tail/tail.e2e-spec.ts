import { appendFile, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { readdirSync, readlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter, until } from '../../e2e/adapters.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';

eachAdapter((adapter) => {
  let folder: string;
  let file: string;
  let recipe: RecipeApp;

  /** Opens the stream, and resolves when it has its position: from then on, every line reaches it. */
  async function follow(lastEventId?: string) {
    const stream = await openStream(recipe.app, '/log', lastEventId === undefined ? {} : { lastEventId });
    return stream;
  }
  const texts = (events: { data: string }[]) => events.map(({ data }) => data);
  const openDescriptors = () =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
      } catch {
        return false;
      }
    });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-tail-'));
    file = join(folder, 'app.log');
    process.env['LOG_FILE'] = file;
    await writeFile(file, 'old\n');
    recipe = await startRecipe(adapter, AppModule);
  });
  afterEach(async () => {
    await closeRecipes();
    delete process.env['LOG_FILE'];
    // A read in progress ends before its file is closed.
    await until(() => openDescriptors().length === 0, 'the end of all files');
    await rm(folder, { recursive: true });
  });

  it('lines arrive when they are complete, also those of many bytes', async () => {
    const stream = await follow();
    const long = 'ä€'.repeat(50_000);
    await appendFile(file, 'one\ntw');
    await stream.next();
    await appendFile(file, `o\n\n${long}\n`);
    const events = await stream.collect(3);
    expect(texts(events)).toEqual(['two', '', long]);
    expect(stream.raw()).toMatch(
      /^:\nid: \d+-8\ndata: one\n\nid: \d+-12\ndata: two\n\nid: \d+-13\ndata: \n\nid: /,
    );
    await stream.close();
    await nothingIsOpen(recipe);
  });

  it('a reconnect continues after the last line', async () => {
    const stream = await follow();
    await appendFile(file, 'one\n');
    const { id } = await stream.next();
    await stream.close();
    await appendFile(file, 'two\nthree\n');
    const again = await follow(id);
    expect(texts(await again.collect(2))).toEqual(['two', 'three']);
    await again.close();
  });

  it.each([
    ['replaced', async () => (await rename(file, `${file}.1`), await writeFile(file, 'new\n'))],
    ['truncated', async () => (await truncate(file), await appendFile(file, 'new\n'))],
    [
      'removed for a while',
      async () => (
        await rm(file),
        await new Promise((done) => setTimeout(done, 300)),
        await writeFile(file, 'new\n')
      ),
    ],
  ])('a file that is %s is read from its beginning', async (_, change) => {
    const stream = await follow();
    await appendFile(file, 'one\ntwo\n');
    const [, { id } = { id: '' }] = await stream.collect(2);
    await change();
    expect((await stream.next()).data).toBe('new');
    await stream.close();
    const again = await follow(id);
    expect((await again.next()).data).toBe('new');
    await again.close();
  });

  it('waits for a file that does not exist', async () => {
    await rm(file);
    const stream = await follow();
    expect(stream.status).toBe(200);
    await writeFile(file, 'first\n');
    expect((await stream.next()).data).toBe('first');
    await stream.close();
  });

  it('a file that cannot be read is an HTTP error without its path', async () => {
    process.env['LOG_FILE'] = folder;
    const stream = await openStream(recipe.app, '/log');
    expect(stream.status).toBe(500);
    expect(stream.raw()).not.toContain(folder);
    expect(recipe.logger.errors.splice(0).join('\n')).toContain('EISDIR');
  });

  it('a shutdown ends the stream', async () => {
    const stream = await follow();
    await recipe.app.close();
    expect(await stream.end()).toBe('ended');
    await until(() => openDescriptors().length === 0);
  });
});
