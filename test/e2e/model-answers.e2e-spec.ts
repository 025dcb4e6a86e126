import Anthropic from '@anthropic-ai/sdk';
import { Body, Controller, Delete, Param, RequestMethod, UseFilters } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import type { ServerResponse } from 'node:http';
import OpenAI from 'openai';
import { Runs, SseConnections, SseErrorFilter } from 'nestjs-event-stream';
import { UiMessages, startAnswer, stopAnswer } from 'nestjs-event-stream/ai';
import { ownRuns } from '../fixtures/own-runs.js';
import { ChatTab } from '../fixtures/ai-chat.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Upstream } from '../fixtures/upstream.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

const sse = (data: { type?: string }) =>
  `${data.type ? `event: ${data.type}\n` : ''}data: ${JSON.stringify(data)}\n\n`;

/** The events that the two vendors send for one piece of text. */
const VENDORS = {
  openai: (content: string) => sse({ choices: [{ index: 0, delta: { content } }] } as object),
  anthropic: (text: string) =>
    sse({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } } as { type: string }),
};

eachAdapter((adapter) => {
  let vendor: Upstream;
  let answer: (response: ServerResponse) => void;
  let app: INestApplication;
  let logger: RecordingLogger;
  let openai: OpenAI;
  let anthropic: Anthropic;

  beforeAll(async () => {
    vendor = await Upstream.start((response) => answer(response));
    process.env['OPENAI_URL'] = process.env['ANTHROPIC_URL'] = vendor.url;
  });
  afterAll(async () => {
    delete process.env['OPENAI_URL'];
    delete process.env['ANTHROPIC_URL'];
    await vendor.stop();
  });

  beforeEach(async () => {
    const { AnthropicModel, OpenAiModel } = await import('../fixtures/model-answers/models.js');
    const { CompletionsController } = await import('../fixtures/model-answers/completions.controller.js');
    const { MessagesController } = await import('../fixtures/model-answers/messages.controller.js');

    @Controller('api/chat')
    class Chats {
      constructor(
        private readonly runs: Runs,
        private readonly a: InstanceType<typeof OpenAiModel>,
        private readonly b: InstanceType<typeof AnthropicModel>,
      ) {}

      @UiMessages({ method: RequestMethod.POST })
      send(@Body() { id }: { id: string }) {
        const model = id === 'openai' ? this.a : this.b;
        return startAnswer(this.runs, id, (signal) => model.answer('Hi', signal));
      }

      @Delete(':id/stream')
      @UseFilters(SseErrorFilter)
      stop(@Param('id') id: string) {
        return stopAnswer(this.runs, id);
      }
    }
    Reflect.defineMetadata('design:paramtypes', [Runs, OpenAiModel, AnthropicModel], Chats);

    logger = new RecordingLogger();
    app = await makeApp(adapter, {
      controllers: [CompletionsController, MessagesController, Chats],
      providers: [OpenAiModel, AnthropicModel],
      logger,
      forceCloseConnections: true,
    });
    const url = await app.getUrl();
    openai = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 });
    anthropic = new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 });
  });
  afterEach(closeApps);

  const says = (text: string) => {
    answer = (response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(text);
    };
  };
  const nothingIsOpen = () => until(() => app.get(SseConnections).count() === 0, 'the end of all streams');

  describe('the client of OpenAI on a route that asks OpenAI', () => {
    const ask = () =>
      openai.chat.completions.create({
        model: 'm',
        stream: true,
        messages: [{ role: 'user', content: 'Hi' }],
      });

    it('reads every piece, the finish reason, and the plain answer of the same route', async () => {
      const text = `${VENDORS.openai('Hel')}${VENDORS.openai('lo')}data: [DONE]\n\n`;
      answer = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
      const got: unknown[] = [];
      for await (const { choices } of await ask())
        got.push([choices[0]?.delta.content, choices[0]?.finish_reason]);
      expect(got).toEqual([
        ['Hel', undefined],
        ['lo', undefined],
        [undefined, 'stop'],
      ]);
      const plain = await openai.chat.completions.create({
        model: 'm',
        messages: [{ role: 'user', content: 'Hi' }],
      });
      expect(plain.choices[0]?.message.content).toBe('Hello');
    });

    it('throws an error before the head with its status, and a later one with its message', async () => {
      await expect(
        openai.chat.completions.create({ model: 'm', stream: true, messages: [] }),
      ).rejects.toMatchObject({ status: 400, message: '400 Send a message.' });
      says(VENDORS.openai('Hel'));
      const stream = await ask();
      const got: unknown[] = [];
      const reading = (async () => {
        for await (const { choices } of stream) got.push(choices[0]?.delta.content);
      })();
      await until(() => got.length === 1, 'the first piece');
      vendor.response.destroy();
      await expect(reading).rejects.toThrow('The answer could not be completed.');
      expect(logger.errors.splice(0)).toHaveLength(1);
    });

    it('cancels the request to the model when it leaves', async () => {
      says(VENDORS.openai('Hel'));
      for await (const { choices } of await ask()) if (choices[0]?.delta.content === 'Hel') break;
      await vendor.isCancelled();
      await nothingIsOpen();
      expect(logger.errors).toEqual([]);
    });
  });

  describe('the client of Anthropic on a route that asks Anthropic', () => {
    const ask = () =>
      anthropic.messages.stream({ model: 'm', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] });

    it('reads every piece', async () => {
      const text = `${VENDORS.anthropic('Hel')}${VENDORS.anthropic('lo')}`;
      answer = (response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text);
      const { content, stop_reason } = await ask().finalMessage();
      expect([content, stop_reason]).toEqual([[expect.objectContaining({ text: 'Hello' })], 'end_turn']);
    });

    it('throws an error before the head with its status, and a later one with its message', async () => {
      answer = (response) => response.writeHead(500).end();
      await expect(ask().finalMessage()).rejects.toMatchObject({ status: 500 });
      says(VENDORS.anthropic('Hel'));
      const texts: string[] = [];
      const stream = ask().on('text', (text) => texts.push(text));
      const over = expect(stream.finalMessage()).rejects.toThrow('The answer could not be completed.');
      await until(() => texts.length === 1, 'the first piece');
      vendor.response.destroy();
      await over;
      expect(logger.errors.splice(0)).toHaveLength(2);
    });

    it('cancels the request to the model when it leaves', async () => {
      says(VENDORS.anthropic('Hel'));
      const stream = ask();
      const over = expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
      stream.on('text', () => stream.abort());
      await over;
      await vendor.isCancelled();
      await nothingIsOpen();
      expect(logger.errors).toEqual([]);
    });
  });

  it.each(['openai', 'anthropic'] as const)(
    'a stop of a run cancels its request to %s, and its client leaving does not',
    async (name) => {
      says(VENDORS[name]('Hel'));
      const url = await app.getUrl();
      const tab = new ChatTab(url, name);
      const sent = tab.sendMessage({ text: 'Hi' });
      await tab.reads(3);
      await tab.stop();
      await sent;
      await nothingIsOpen();
      expect([vendor.response.destroyed, ownRuns(app.get(Runs))]).toEqual([false, [name]]);
      const stopped = await fetch(`${url}/api/chat/${name}/stream`, { method: 'DELETE' });
      expect(await stopped.json()).toEqual({ stopped: true });
      await vendor.isCancelled();
      expect(logger.errors).toEqual([]);
    },
  );
});
