import Anthropic from '@anthropic-ai/sdk';
import { Body, Controller, HttpException, RequestMethod } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import {
  createUIMessageStream,
  createUIMessageStreamResponse,
  parseJsonEventStream,
  uiMessageChunkSchema,
} from 'ai';
import OpenAI from 'openai';
import { event, Sse, SseConnections, SseSignal } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

const POST = { method: RequestMethod.POST };
const WORDS = ['Hello', ' ', 'wörld'];
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

interface Ask {
  model: string;
  stream?: boolean;
}

/** The outcome of a stream, by the requested model. */
async function* words(model: string, signal: AbortSignal): AsyncGenerator<string> {
  if (model === 'missing') throw new HttpException({ error: { message: 'No such model' } }, 404);
  for (const word of WORDS) {
    await turn();
    yield word;
    if (model === 'broken') throw new Error('a secret');
    if (model === 'overloaded') throw new HttpException('Try later', 529);
  }
  if (model === 'endless') {
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    aborted++;
  }
}
let aborted = 0;

@Controller('v1')
class CompatibleController {
  @Sse('chat/completions', POST)
  async chat(@Body() { model, stream }: Ask, @SseSignal() signal: AbortSignal) {
    await turn();
    if (stream !== true) return completion({ message: { role: 'assistant', content: WORDS.join('') } });
    return this.chunks(model, signal);
  }

  private async *chunks(model: string, signal: AbortSignal) {
    for await (const content of words(model, signal))
      yield event({ data: completion({ delta: { content } }) });
    yield '[DONE]';
  }

  @Sse('messages', POST)
  async *messages(@Body() { model }: Ask, @SseSignal() signal: AbortSignal) {
    const deltas = words(model, signal);
    const first = await deltas.next();
    yield typed({ type: 'message_start', message: MESSAGE });
    yield typed({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
    const delta = (text: unknown) =>
      typed({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
    yield delta(first.value);
    for await (const text of deltas) yield delta(text);
    yield typed({ type: 'content_block_stop', index: 0 });
    yield typed({
      type: 'message_delta',
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      usage: USAGE,
    });
    yield typed({ type: 'message_stop' });
  }

  @Sse('ui', POST)
  ui() {
    const stream = createUIMessageStream({
      async execute({ writer }) {
        writer.write({ type: 'text-start', id: 't' });
        for (const delta of WORDS) {
          await turn();
          writer.write({ type: 'text-delta', id: 't', delta });
        }
        writer.write({ type: 'text-end', id: 't' });
      },
    });
    return createUIMessageStreamResponse({ stream });
  }
}

const USAGE = { input_tokens: 1, output_tokens: 3 };
const MESSAGE = {
  id: 'm',
  type: 'message',
  role: 'assistant',
  model: 'x',
  content: [],
  stop_reason: null,
  usage: USAGE,
};

function typed(data: { type: string; [key: string]: unknown }) {
  return event({ type: data.type, data });
}
function completion(choice: object) {
  return { id: 'c', object: 'chat.completion', created: 0, model: 'x', choices: [{ index: 0, ...choice }] };
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    let logger: RecordingLogger;
    let openai: OpenAI;
    let anthropic: Anthropic;
    beforeEach(async () => {
      aborted = 0;
      logger = new RecordingLogger();
      app = await makeApp(adapter, {
        controllers: [CompatibleController],
        logger,
        setUp,
        forceCloseConnections: true,
      });
      const url = await app.getUrl();
      openai = new OpenAI({ apiKey: 'k', baseURL: `${url}/v1`, maxRetries: 0 });
      anthropic = new Anthropic({ apiKey: 'k', baseURL: url, maxRetries: 0 });
    });
    afterEach(closeApps);

    const ask = (model: string) =>
      openai.chat.completions.create({ model, stream: true, messages: [{ role: 'user', content: 'Hi' }] });
    const message = (model: string) =>
      anthropic.messages.stream({ model, max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] });
    const released = (): Promise<void> =>
      until(() => aborted === 1 && app.get(SseConnections).count() === 0, 'the end of the stream');

    describe('the client of OpenAI', () => {
      it('reads every event, and the plain answer of the same route', async () => {
        const got: unknown[] = [];
        for await (const chunk of await ask('whole')) got.push(chunk.choices[0]?.delta.content);
        expect(got).toEqual(WORDS);
        const plain = await openai.chat.completions.create({ model: 'x', messages: [] });
        expect(plain.choices[0]?.message.content).toBe('Hello wörld');
      });

      it('throws an error before the head according to its status', async () => {
        await expect(ask('missing')).rejects.toThrow(
          expect.objectContaining({ status: 404, message: '404 No such model' }) as Error,
        );
      });

      it('throws an error after the head at its place, and reads nothing after it', async () => {
        const got: unknown[] = [];
        const read = async (): Promise<void> => {
          for await (const chunk of await ask('broken')) got.push(chunk.choices[0]?.delta.content);
        };
        await expect(read()).rejects.toThrow(OpenAI.APIError);
        expect(got).toEqual(['Hello']);
        expect(logger.errors).toHaveLength(1);
        expect(logger.errors[0]).toContain('a secret');
      });

      it('ends the handler when it aborts', async () => {
        const stream = await ask('endless');
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content === WORDS.at(-1)) break;
        await released();
        expect(logger.errors).toEqual([]);
      });
    });

    describe('the client of Anthropic', () => {
      it('reads every event', async () => {
        const { content } = await message('whole').finalMessage();
        expect(content).toEqual([expect.objectContaining({ type: 'text', text: 'Hello wörld' })]);
      });

      it('throws an error before the head according to its status', async () => {
        await expect(message('missing').finalMessage()).rejects.toThrow(Anthropic.NotFoundError);
      });

      it('throws an error after the head at its place', async () => {
        const texts: string[] = [];
        const stream = message('overloaded').on('text', (text) => texts.push(text));
        await expect(stream.finalMessage()).rejects.toThrow(/Try later/);
        expect(texts).toEqual(['Hello']);
      });

      it('ends the handler when it aborts', async () => {
        const stream = message('endless');
        const over = expect(stream.finalMessage()).rejects.toThrow(Anthropic.APIUserAbortError);
        stream.on('text', (text) => text === WORDS.at(-1) && stream.abort());
        await over;
        await released();
        expect(logger.errors).toEqual([]);
      });
    });

    it('a response of the AI SDK arrives whole, with its headers', async () => {
      const answer = await fetch(`${await app.getUrl()}/v1/ui`, { method: 'POST' });
      expect(answer.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
      const chunks: unknown[] = [];
      const stream = parseJsonEventStream({
        stream: answer.body as ReadableStream<Uint8Array<ArrayBuffer>>,
        schema: uiMessageChunkSchema,
      });
      for await (const chunk of stream) chunks.push(chunk.success && chunk.value);
      expect(chunks).toEqual([
        { type: 'text-start', id: 't' },
        ...WORDS.map((delta) => ({ type: 'text-delta', id: 't', delta })),
        { type: 'text-end', id: 't' },
      ]);
    });
  }),
);
