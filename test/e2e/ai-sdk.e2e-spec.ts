import {
  BadGatewayException,
  Body,
  Controller,
  Delete,
  Param,
  Query,
  RequestMethod,
  UseFilters,
} from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import {
  createUIMessageStream,
  readUIMessageStream,
  simulateReadableStream,
  streamText,
  type UIMessage,
} from 'ai';
import { MockLanguageModelV3 } from 'ai/test';
import { Runs, SseConnections, SseErrorFilter, SseSignal } from 'nestjs-event-stream';
import {
  UiMessages,
  resumeAnswer,
  startAnswer,
  stopAnswer,
  uiMessageChunks,
  type UiMessageSource,
} from 'nestjs-event-stream/ai';
import { ownRuns } from '../fixtures/own-runs.js';
import { ChatTab } from '../fixtures/ai-chat.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { Hand } from '../fixtures/run-viewer.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

const POST = { method: RequestMethod.POST };

interface ChatRequest {
  id: string;
  messages: UIMessage[];
}

let make: (signal: AbortSignal, messages: UIMessage[]) => UiMessageSource | PromiseLike<UiMessageSource>;

@Controller('api/chat')
class ChatController {
  constructor(private readonly runs: Runs) {}

  @UiMessages(POST)
  send(@Body() { id, messages }: ChatRequest) {
    return startAnswer(this.runs, id, (signal) => make(signal, messages));
  }

  @UiMessages(':id/stream')
  resume(@Param('id') id: string, @Query('ended') ended?: string) {
    return resumeAnswer(this.runs, id, { replayEnded: ended === 'replay' });
  }

  @Delete(':id/stream')
  @UseFilters(SseErrorFilter)
  stop(@Param('id') id: string) {
    return stopAnswer(this.runs, id);
  }

  @UiMessages('alone', POST)
  alone(@SseSignal() signal: AbortSignal) {
    return uiMessageChunks(make(signal, []), signal);
  }
}

/** A source of the AI SDK. Its model writes these words, then waits until it is aborted. */
function modelAnswer(words: string[], signal: AbortSignal, endless = false) {
  const model = new MockLanguageModelV3({
    doStream: async ({ abortSignal }) => {
      modelSignal = abortSignal;
      const stream = simulateReadableStream({
        initialDelayInMs: null,
        chunkDelayInMs: null,
        chunks: [
          { type: 'stream-start' as const, warnings: [] },
          { type: 'text-start' as const, id: '1' },
          ...words.map((delta) => ({ type: 'text-delta' as const, id: '1', delta })),
        ],
      });
      const end = new TransformStream({
        async flush(controller) {
          if (endless) await new Promise((resolve) => abortSignal?.addEventListener('abort', resolve));
          controller.enqueue({ type: 'text-end', id: '1' });
          controller.enqueue({
            type: 'finish',
            finishReason: { unified: 'stop', raw: 'stop' },
            usage: USAGE,
          });
        },
      });
      return { stream: stream.pipeThrough(end) };
    },
  });
  return streamText({ model, prompt: 'Hi', abortSignal: signal });
}
let modelSignal: AbortSignal | undefined;
const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
};

const text = (value: string) => ({ text: value });

eachAdapter((adapter) => {
  let app: INestApplication;
  let url: string;
  let logger: RecordingLogger;
  let hand: Hand;
  let signal: AbortSignal | undefined;

  beforeEach(async () => {
    hand = new Hand();
    signal = undefined;
    make = (given) => {
      signal = given;
      return hand.source(given) as AsyncGenerator<string>;
    };
    logger = new RecordingLogger();
    app = await makeApp(adapter, { controllers: [ChatController], logger, forceCloseConnections: true });
    url = await app.getUrl();
  });
  afterEach(closeApps);

  const post = (body: unknown, path = '/api/chat') =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const reconnect = (id: string) => fetch(`${url}/api/chat/${id}/stream`);
  const stop = async (id: string): Promise<unknown> =>
    (await fetch(`${url}/api/chat/${id}/stream`, { method: 'DELETE' })).json();
  const ask = (tab: ChatTab) => tab.sendMessage(text('Hi'));
  const nothingIsOpen = () => until(() => app.get(SseConnections).count() === 0, 'the end of all streams');

  const dataOf = (answer: Response) => answer.text();

  it('a POST starts the answer and streams it, with the header and the end of the protocol', async () => {
    hand.give('Hello', ' wörld');
    hand.done();
    const answer = await post({ id: 'c', messages: [] });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('x-vercel-ai-ui-message-stream')).toBe('v1');
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const data = await dataOf(answer);
    const { messageId } = JSON.parse(/{.*}/.exec(data)![0]) as { messageId: string };
    expect(data).toBe(
      ':\n' +
        `data: {"type":"start","messageId":"${messageId}"}\n\n` +
        'data: {"type":"text-start","id":"text-1"}\n\n' +
        'data: {"type":"text-delta","id":"text-1","delta":"Hello"}\n\n' +
        'data: {"type":"text-delta","id":"text-1","delta":" wörld"}\n\n' +
        'data: {"type":"text-end","id":"text-1"}\n\n' +
        'data: {"type":"finish","finishReason":"stop"}\n\n' +
        'data: [DONE]\n\n',
    );
  });

  it('a reload in the middle and a second tab get the whole text, each part once', async () => {
    const first = new ChatTab(url, 'c');
    const sent = ask(first);
    hand.give('one ', 'two ');
    await first.reads(8);
    const second = new ChatTab(url, 'c', first.messages.slice(0, 1));
    const resumed = second.resumeStream();
    await second.reads(8);
    const again = first.reloaded(url);
    const reloaded = again.resumeStream();
    await again.reads(8);
    hand.give('three');
    hand.done();
    await Promise.all([sent, resumed, reloaded]);
    for (const tab of [second, again]) {
      expect([tab.text, tab.textParts, tab.status, tab.messages.length]).toEqual([
        'one two three',
        1,
        'ready',
        2,
      ]);
    }
    expect(second.lastMessage?.id).toBe(again.lastMessage?.id);
    await nothingIsOpen();
  });

  const breakOff = async (tab: ChatTab): Promise<void> => {
    const sent = ask(tab);
    hand.give('one ', 'two ');
    await tab.reads(8);
    (app.getHttpServer() as { closeAllConnections(): void }).closeAllConnections();
    await sent;
    await nothingIsOpen();
  };

  it('a tab that joins late gets the message so far in few chunks, and then each new piece', async () => {
    const words = Array.from({ length: 900 }, (_, n) => `${n} `);
    const first = new ChatTab(url, 'c');
    const sent = ask(first);
    for (let n = 0; n < words.length; n += 50) {
      hand.give(...words.slice(n, n + 50));
      await first.reads(words.slice(0, n + 50).join('').length);
    }
    const raw = reconnect('c').then(dataOf);
    await until(() => app.get(SseConnections).count() === 2, 'the second stream');
    hand.give('end');
    hand.done();
    await sent;
    const chunks = (await raw)
      .split('\n\n')
      .slice(0, -2)
      .map((line) => JSON.parse(line.replace(/^(:\n)?data: /, '')) as { type: string; delta?: string });
    expect(chunks.map(({ delta = '' }) => delta).join('')).toBe(`${words.join('')}end`);
    // The state in the log is a few hundred chunks old at most.
    expect(chunks.length).toBeLessThan(500);
    expect(chunks.filter(({ type }) => type !== 'text-delta').map(({ type }) => type)).toEqual([
      'start',
      'text-start',
      'text-end',
      'finish',
    ]);
  });

  it('a tab whose connection breaks resumes, and repeats nothing', async () => {
    const tab = new ChatTab(url, 'c');
    await breakOff(tab);
    // "terminated" in Node; browsers say "network error", which the SDK takes for a disconnect.
    expect(tab.error?.name).toBe('TypeError');
    const resumed = tab.resumeStream();
    await until(() => app.get(SseConnections).count() === 1, 'the second stream');
    hand.give('three');
    hand.done();
    await resumed;
    expect([tab.text, tab.textParts, tab.status]).toEqual(['one two three', 1, 'ready']);
  });

  it('an answer that has ended is sent again with `replayEnded`, into the same message', async () => {
    const tab = new ChatTab(url, 'c');
    await breakOff(tab);
    hand.give('three');
    hand.done();
    await until(() => ownRuns(app.get(Runs)).length === 0, 'the end of the answer');
    await tab.resumeStream();
    expect([tab.text, tab.status]).toEqual(['one two ', 'ready']);
    tab.replaysEnded = true;
    for (let mounts = 0; mounts < 2; mounts++) {
      await tab.resumeStream();
      expect([tab.text, tab.textParts, tab.status, tab.messages.length]).toEqual([
        'one two three',
        1,
        'ready',
        2,
      ]);
    }
    const other = new ChatTab(url, 'unknown');
    other.replaysEnded = true;
    await other.resumeStream();
    expect([other.status, other.messages]).toEqual(['ready', []]);
  });

  it('the reconnect request gets 204 when nothing is running', async () => {
    expect((await reconnect('unknown')).status).toBe(204);
    const tab = new ChatTab(url, 'unknown');
    await tab.resumeStream();
    expect([tab.status, tab.messages]).toEqual(['ready', []]);
    hand.give('x');
    hand.done();
    await ask(new ChatTab(url, 'c'));
    expect((await reconnect('c')).status).toBe(204);
    make = () => {
      throw new BadGatewayException('No model');
    };
    await ask(new ChatTab(url, 'failed'));
    expect((await reconnect('failed')).status).toBe(204);
    logger.errors.splice(0);
  });

  it('a stop from a third tab ends the answer in all tabs, and aborts the signal', async () => {
    const [first, second] = [new ChatTab(url, 'c'), new ChatTab(url, 'c')];
    const sent = ask(first);
    hand.give('one ');
    await first.reads(4);
    const resumed = second.resumeStream();
    await second.reads(4);
    const raw = reconnect('c').then(dataOf);
    await until(() => app.get(SseConnections).count() === 3, 'the third stream');
    expect(await stop('c')).toEqual({ stopped: true });
    await Promise.all([sent, resumed]);
    expect(signal?.reason).toMatchObject({ code: 'SSE_RUN_STOPPED' });
    for (const tab of [first, second])
      expect([tab.text, tab.status, tab.error]).toEqual(['one ', 'ready', undefined]);
    expect((await raw).split('\n\n').slice(-4)).toEqual([
      'data: {"type":"text-end","id":"text-1"}',
      'data: {"type":"abort"}',
      'data: [DONE]',
      '',
    ]);
    expect(await stop('c')).toEqual({ stopped: false });
    expect(await stop('unknown')).toEqual({ stopped: false });
    expect(logger.errors).toEqual([]);
  });

  it('a chat whose answer was stopped can be asked again', async () => {
    const tab = new ChatTab(url, 'c');
    const sent = ask(tab);
    hand.give('one');
    await tab.reads(3);
    await stop('c');
    await sent;
    hand = new Hand();
    hand.give('two');
    hand.done();
    await ask(tab);
    expect([tab.text, tab.messages.map(({ role }) => role)]).toEqual([
      'two',
      ['user', 'assistant', 'user', 'assistant'],
    ]);
  });

  it('a second question while an answer is being written is rejected, and the answer continues', async () => {
    const [first, second] = [new ChatTab(url, 'c'), new ChatTab(url, 'c')];
    const sent = ask(first);
    hand.give('one');
    await first.reads(3);
    await ask(second);
    expect(second.error?.message).toContain('"statusCode":409');
    hand.done();
    await sent;
    expect([first.text, first.status]).toEqual(['one', 'ready']);
  });

  it.each([
    ['an HttpException', new BadGatewayException('The model is away.'), 'The model is away.'],
    ['any other error', new Error('a secret'), 'Internal server error'],
  ])('%s is an error part for all tabs', async (_what, error, shown) => {
    const [first, second] = [new ChatTab(url, 'c'), new ChatTab(url, 'c')];
    const sent = ask(first);
    hand.give('one');
    await first.reads(3);
    const resumed = second.resumeStream();
    await second.reads(3);
    const raw = reconnect('c').then(dataOf);
    await until(() => app.get(SseConnections).count() === 3, 'the third stream');
    hand.fail(error);
    await Promise.all([sent, resumed]);
    for (const tab of [first, second]) {
      expect([tab.text, tab.status, tab.error?.message]).toEqual(['one', 'error', shown]);
    }
    expect((await raw).split('\n\n').at(-2)).toBe(`data: {"type":"error","errorText":"${shown}"}`);
    expect(logger.errors.splice(0)).toHaveLength(1);
  });

  it('a body without an ID is rejected before anything is started', async () => {
    const answer = await post({ messages: [] });
    expect(answer.status).toBe(400);
    expect(signal).toBeUndefined();
  });

  it.each([
    ['toUIMessageStream()', (abort: AbortSignal) => modelAnswer(['Hel', 'lo'], abort).toUIMessageStream()],
    [
      'toUIMessageStreamResponse()',
      (abort: AbortSignal) => modelAnswer(['Hel', 'lo'], abort).toUIMessageStreamResponse(),
    ],
  ])('%s of the AI SDK is a source, chunk by chunk', async (_name, source) => {
    make = source as typeof make;
    const expected: string[] = [];
    for await (const chunk of modelAnswer(['Hel', 'lo'], new AbortController().signal).toUIMessageStream())
      expected.push(`data: ${JSON.stringify(chunk)}`);
    const answer = await post({ id: 'c', messages: [] });
    expect(await dataOf(answer)).toBe(`:\n${[...expected, 'data: [DONE]', ''].join('\n\n')}`);
    const tab = new ChatTab(url, 'd');
    await ask(tab);
    expect([tab.text, tab.status]).toEqual(['Hello', 'ready']);
  });

  it('a stop aborts the request of a model of the AI SDK', async () => {
    const saved: unknown[] = [];
    make = (abort) =>
      modelAnswer(['Hel', 'lo'], abort, true).toUIMessageStreamResponse({
        originalMessages: [],
        generateMessageId: () => 'm',
        onFinish: ({ responseMessage }) => void saved.push(responseMessage),
      });
    const tab = new ChatTab(url, 'c');
    const sent = ask(tab);
    await tab.reads(5);
    expect(modelSignal?.aborted).toBe(false);
    expect(await stop('c')).toEqual({ stopped: true });
    await sent;
    expect([modelSignal?.aborted, tab.text, tab.status]).toEqual([true, 'Hello', 'ready']);
    await until(() => saved.length > 0, 'the call of onFinish');
    expect(saved).toMatchObject([
      { id: 'm', parts: [{ type: 'step-start' }, { type: 'text', text: 'Hello' }] },
    ]);
    expect(logger.errors).toEqual([]);
  });

  it('tools, data parts and reasoning arrive unchanged', async () => {
    const stream = () =>
      createUIMessageStream({
        execute({ writer }) {
          writer.write({ type: 'start', messageId: 'm' });
          writer.write({ type: 'reasoning-start', id: 'r' });
          writer.write({ type: 'reasoning-delta', id: 'r', delta: 'Hm' });
          writer.write({ type: 'reasoning-end', id: 'r' });
          writer.write({
            type: 'tool-input-available',
            toolCallId: 't',
            toolName: 'weather',
            input: { at: 'x' },
          });
          writer.write({ type: 'tool-output-available', toolCallId: 't', output: { degrees: 7 } });
          writer.write({ type: 'data-place', id: 'p', data: { id: 'not an event', data: 1, retry: 3 } });
          writer.write({ type: 'text-start', id: 'a' });
          writer.write({ type: 'text-delta', id: 'a', delta: 'line\nline' });
          writer.write({ type: 'text-end', id: 'a' });
        },
      });
    make = stream;
    let expected: UIMessage | undefined;
    for await (const message of readUIMessageStream({ stream: stream() })) expected = message;
    const tab = new ChatTab(url, 'c');
    await ask(tab);
    expect(tab.lastMessage).toEqual(expected);
  });

  it('an answer without a run ends with its client', async () => {
    const client = new AbortController();
    const answer = await fetch(`${url}/api/chat/alone`, { method: 'POST', signal: client.signal });
    const reader = answer.body!.getReader();
    hand.give('one');
    await reader.read();
    client.abort();
    await until(() => signal?.aborted === true && hand.finished, 'the end of the source');
    await nothingIsOpen();
    expect(logger.errors).toEqual([]);
  });
});
