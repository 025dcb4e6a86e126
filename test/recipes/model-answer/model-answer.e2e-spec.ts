import type { ServerResponse } from 'node:http';
import { openStream } from 'nestjs-event-stream/testing';
import { eachAdapter, until } from '../../e2e/adapters.js';
import { Upstream } from '../../fixtures/upstream.js';
import { closeRecipes, nothingIsOpen, startRecipe, type RecipeApp } from '../recipe-app.js';
import { AppModule } from './app.module.js';
import { ask } from './ask.js';

const chunk = (content: string | undefined, finish_reason: string | null = null) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;

const POST = { method: 'POST', body: { prompt: 'Why is the sky blue?' } };

eachAdapter((adapter) => {
  let model: Upstream;
  let answer: (response: ServerResponse) => void;
  let recipe: RecipeApp;

  beforeAll(async () => {
    model = await Upstream.start((response) => answer(response));
    process.env['MODEL_URL'] = model.url;
  });
  afterAll(async () => {
    delete process.env['MODEL_URL'];
    await model.stop();
  });

  beforeEach(async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('Because') + chunk(' of\nscattering'));
    };
    recipe = await startRecipe(adapter, AppModule);
  });
  afterEach(closeRecipes);

  it('the answer arrives piece by piece, and ends with an event', async () => {
    const stream = await openStream(recipe.app, '/chat', POST);
    await stream.collect(2);
    model.response.end(`${chunk('.')}${chunk(undefined, 'stop')}data: [DONE]\n\n`);
    expect(await stream.end()).toBe('ended');
    expect(stream.raw()).toBe(
      ':\n' +
        'data: {"text":"Because"}\n\n' +
        'data: {"text":" of\\nscattering"}\n\n' +
        'data: {"text":"."}\n\n' +
        'event: done\ndata: {}\n\n',
    );
  });

  it('the client gets the whole answer', async () => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.end(chunk('Because') + chunk('.', 'stop'));
    };
    const pieces: string[] = [];
    for await (const piece of ask(recipe.url, 'Why?')) pieces.push(piece);
    expect(pieces).toEqual(['Because', '.']);
    expect(model.requests.at(-1)?.request.url).toBe('/chat/completions');
  });

  it.each([
    [{ method: 'POST', body: {} }, 200, 400, 'Send { "prompt": "…" }.'],
    [POST, 429, 503, 'The model is busy. Ask again later.'],
    [POST, 500, 502, 'The model does not answer.'],
  ])('%j, with a model that answers %i, is answered with %i', async (init, ofModel, status, message) => {
    answer = (response) => response.writeHead(ofModel).end();
    const stream = await openStream(recipe.app, '/chat', init);
    expect(stream.status).toBe(status);
    expect(await stream.json()).toMatchObject({ message });
  });

  it.each([
    ['breaks', () => model.response.destroy(), 'The model does not answer.'],
    ['stops early', () => model.response.end(), 'The answer of the model is not complete.'],
  ])('a model that %s is an error for the client', async (_, fail, message) => {
    const stream = await openStream(recipe.app, '/chat', POST);
    await stream.collect(2);
    fail();
    expect(await stream.rest()).toMatchObject([
      { type: 'error', data: JSON.stringify({ statusCode: 502, error: 'Bad Gateway', message }) },
    ]);

    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(chunk('Because'));
    };
    const pieces = ask(recipe.url, 'Why?');
    expect(await pieces.next()).toEqual({ done: false, value: 'Because' });
    fail();
    await expect(pieces.next()).rejects.toThrow(message);
    expect(recipe.logger.errors.splice(0)).toHaveLength(2);
  });

  it('a client that leaves cancels the request to the model', async () => {
    const abort = new AbortController();
    const pieces = ask(recipe.url, 'Why?', abort.signal);
    await pieces.next();
    abort.abort();
    await expect(pieces.next()).rejects.toThrow('aborted');
    await model.isCancelled();
    await nothingIsOpen(recipe);
  });

  it('a shutdown cancels the request to the model, and the client knows that the answer is not complete', async () => {
    const pieces = ask(recipe.url, 'Why?');
    await pieces.next();
    await pieces.next();
    const [, next] = await Promise.allSettled([recipe.app.close(), pieces.next()]);
    expect(next).toMatchObject({
      status: 'rejected',
      reason: { message: expect.stringContaining('complete') },
    });
    await model.isCancelled();
  });

  it('a broken connection is an error for the client, and the model is not asked again', async () => {
    const asked = model.requests.length;
    const pieces = ask(recipe.url, 'Why?');
    await pieces.next();
    await pieces.next();
    const server = recipe.app.getHttpServer() as { closeAllConnections(): void };
    server.closeAllConnections();
    await expect(pieces.next()).rejects.toMatchObject({ code: 'SSE_RETRIES_EXHAUSTED' });
    await until(() => model.response.destroyed, 'the end of the request');
    expect(model.requests).toHaveLength(asked + 1);
  });
});
