import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { WsAdapter } from '@nestjs/platform-ws';
import { Channels } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { WebSocket } from 'ws';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';

// On Fastify, Apollo waits at shutdown for the sockets that Nest closes after it.
describe('on express', () => {
  let folder: string;
  let recipe: RecipeApp;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipe-public-'));
    await writeFile(join(folder, 'index.html'), '<title>Board</title>');
    await writeFile(join(folder, 'board.js'), 'new EventSource("/api/notes");');
    process.env['PUBLIC'] = folder;
    recipe = await startRecipe('express', AppModule, (app) => app.useWebSocketAdapter(new WsAdapter(app)));
  });
  afterEach(async () => {
    await closeRecipes();
    delete process.env['PUBLIC'];
    await rm(folder, { recursive: true });
  });

  const graphql = async (query: string): Promise<{ data?: unknown; errors?: { message: string }[] }> => {
    const response = await fetch(`${recipe.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as { data?: unknown };
  };

  /** Sends a message over a new WebSocket, and resolves with the next answer. */
  async function send(message: object): Promise<unknown> {
    const socket = new WebSocket(`${recipe.url.replace('http', 'ws')}/ws`);
    try {
      await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
      const answer = new Promise<string>((resolve) =>
        socket.once('message', (data: Buffer) => resolve(data.toString())),
      );
      socket.send(JSON.stringify(message));
      return JSON.parse(await answer);
    } finally {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.close();
      await closed;
    }
  }

  it('a stream has what was added over GraphQL and WebSocket', async () => {
    const stream = await openStream(recipe.app, '/api/notes');
    const { data } = await graphql('mutation { addNote(text: "one") }');
    const { addNote } = data as { addNote: string };
    const added = (await send({ event: 'add', data: 'two' })) as { event: string; data: string };
    await stream.collect(2);
    expect(stream.raw()).toBe(
      `:\nevent: note\nid: ${addNote}\ndata: {"text":"one"}\n\n` +
        `event: note\nid: ${added.data}\ndata: {"text":"two"}\n\n`,
    );
    expect(await graphql('{ notes }')).toEqual({ data: { notes: ['one', 'two'] } });
    await stream.close();
    await nothingIsOpen(recipe);
  });

  it('static files are served, and a page for paths that do not exist, but not in place of a stream', async () => {
    const get = async (path: string) => {
      const response = await fetch(`${recipe.url}${path}`);
      return [response.status, await response.text()];
    };
    expect(await get('/')).toEqual([200, '<title>Board</title>']);
    expect(await get('/board.js')).toEqual([200, 'new EventSource("/api/notes");']);
    expect(await get('/a/route/of/the/page')).toEqual([200, '<title>Board</title>']);
    expect((await get('/api/none'))[0]).toBe(404);
    const stream = await openStream(recipe.app, '/api/notes');
    expect(stream.headers['content-type']).toBe('text/event-stream');
    await stream.close();
  });

  it('a log that fails is an error of GraphQL and of the WebSocket, without details', async () => {
    await recipe.app.get(Channels).log.close();
    const { errors } = await graphql('mutation { addNote(text: "one") }');
    expect(errors).toMatchObject([{ message: 'The event log is temporarily unavailable.' }]);
    expect(await send({ event: 'add', data: 'two' })).toMatchObject({ event: 'exception' });
    recipe.logger.errors.splice(0);
  });

  it('a shutdown ends streams and sockets', async () => {
    const stream = await openStream(recipe.app, '/api/notes');
    const socket = new WebSocket(`${recipe.url.replace('http', 'ws')}/ws`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    const closed = new Promise((resolve) => socket.once('close', resolve));
    await recipe.app.close();
    expect(await stream.end()).toBe('ended');
    await closed;
  });
});
