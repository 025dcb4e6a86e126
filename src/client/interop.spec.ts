import { connect, type ConnectOptions } from 'nestjs-event-stream/client';
import { defineEvents, text, type } from 'nestjs-event-stream/events';
import { z } from 'zod';
import { ChunkedFetch } from '../../test/fixtures/client/chunked-fetch.js';

/** One recorded answer: its bytes, in the format that the documentation of the server shows, and a contract for it. */
const openAiChat =
  'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n' +
  'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Grüß dich 😀"},"finish_reason":null}]}\n\n' +
  'data: {"id":"c1","object":"chat.completion.chunk","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n';
const openAiResponses =
  'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"resp_1","status":"in_progress"}}\n\n' +
  'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":1,"delta":"Hi"}\n\n' +
  'event: response.completed\ndata: {"type":"response.completed","sequence_number":2,"response":{"id":"resp_1","status":"completed"}}\n\n';
const anthropic =
  'event: message_start\ndata: {"type":"message_start","message":{"id":"msg_1","role":"assistant","content":[]}}\n\n' +
  'event: ping\ndata: {"type": "ping"}\n\n' +
  'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello"}}\n\n' +
  'event: error\ndata: {"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}\n\n' +
  'event: message_stop\ndata: {"type":"message_stop"}\n\n';
const aiSdk =
  'data: {"type":"start","messageId":"m1"}\n\ndata: {"type":"text-start","id":"t1"}\n\n' +
  'data: {"type":"text-delta","id":"t1","delta":"Hello"}\n\ndata: {"type":"text-end","id":"t1"}\n\n' +
  'data: {"type":"finish"}\n\ndata: [DONE]\n\n';
// GraphQL over SSE, distinct connections mode: `next` with a result, then `complete` with empty data; keep-alive comments.
const graphql =
  ':\n\nevent: next\ndata: {"data":{"greetings":"Hi"}}\n\n:\n\nevent: next\ndata: {"data":{"greetings":"Hola"}}\n\nevent: complete\ndata:\n\n';
// Mercure: an id of a URN, an optional type, data of several lines, and a comment as heartbeat.
const mercure =
  ':\nid: urn:uuid:5e94c686-2c0b-4f9b-958c-92ccc3bbb4eb\ndata: {"status":\ndata: "OutOfStock"}\n\n:\nevent: order\nid: urn:uuid:2\nretry: 3000\ndata: {"id":7}\n\n';
// better-sse: ids of UUIDs, a field order of its own, JSON strings with quotes, and `: ` heartbeats.
const betterSse =
  'retry:2000\n\n:\n\nevent:tick\nid:9b1deb4d-3b7d-4bad-9bdd-2b0d7b3dcb6d\ndata:{"n":1}\n\ndata:"Hello, world!"\nid:2\n\n';

const answers: [string, string, ReturnType<typeof defineEvents>, unknown[]][] = [
  [
    'OpenAI chat completions',
    openAiChat,
    defineEvents({
      message: z.union([
        z.literal('[DONE]'),
        z.object({ choices: z.array(z.object({ delta: z.object({ content: z.string().optional() }) })) }),
      ]),
    }),
    [
      ['message', { choices: [{ delta: { content: '' } }] }],
      ['message', { choices: [{ delta: { content: 'Grüß dich 😀' } }] }],
      ['message', { choices: [{ delta: {} }] }],
      ['message', '[DONE]'],
    ],
  ],
  [
    'OpenAI responses',
    openAiResponses,
    defineEvents({
      'response.output_text.delta': z.object({ delta: z.string() }),
      'response.completed': z.object({ response: z.object({ status: z.string() }) }),
    }),
    [
      ['response.output_text.delta', { delta: 'Hi' }],
      ['response.completed', { response: { status: 'completed' } }],
    ],
  ],
  [
    'Anthropic messages',
    anthropic,
    defineEvents({
      content_block_delta: z.object({ delta: z.object({ text: z.string() }) }),
      error: z.object({ error: z.object({ type: z.string() }) }),
      message_stop: type<{ type: 'message_stop' }>(),
    }),
    [
      ['content_block_delta', { delta: { text: 'Hello' } }],
      ['error', { error: { type: 'overloaded_error' } }],
      ['message_stop', { type: 'message_stop' }],
    ],
  ],
  [
    'AI SDK UI messages',
    aiSdk,
    defineEvents({ message: type<{ type: string; delta?: string } | '[DONE]'>() }),
    [
      ['message', { type: 'start', messageId: 'm1' }],
      ['message', { type: 'text-start', id: 't1' }],
      ['message', { type: 'text-delta', id: 't1', delta: 'Hello' }],
      ['message', { type: 'text-end', id: 't1' }],
      ['message', { type: 'finish' }],
      ['message', '[DONE]'],
    ],
  ],
  [
    'GraphQL over SSE',
    graphql,
    defineEvents({ next: z.object({ data: z.object({ greetings: z.string() }) }), complete: text() }),
    [
      ['next', { data: { greetings: 'Hi' } }],
      ['next', { data: { greetings: 'Hola' } }],
      ['complete', ''],
    ],
  ],
  [
    'Mercure',
    mercure,
    defineEvents({ message: z.object({ status: z.string() }), order: z.object({ id: z.number() }) }),
    [
      ['message', { status: 'OutOfStock' }],
      ['order', { id: 7 }],
    ],
  ],
  [
    'better-sse',
    betterSse,
    defineEvents({ tick: z.object({ n: z.number() }), message: text() }),
    [
      ['tick', { n: 1 }],
      ['message', '"Hello, world!"'],
    ],
  ],
] as never;

describe.each(answers)('the bytes of %s', (_name, bytes, events, expected) => {
  const whole = new TextEncoder().encode(bytes);

  async function received(chunks: Uint8Array[], options: ConnectOptions = {}): Promise<unknown[]> {
    const { fetch } = new ChunkedFetch(chunks);
    const all: unknown[] = [];
    for await (const { type: name, data } of connect('http://localhost/', {
      ...options,
      events,
      fetch,
      retry: false,
    })) {
      all.push([name, data]);
    }
    return all;
  }

  it('are the events of the contract', async () => {
    expect(await received([whole])).toEqual(expected);
  });

  it('are the same events, one byte at a time, with CRLF, and cut at every byte', async () => {
    expect(await received([...whole].map((byte) => Uint8Array.of(byte)))).toEqual(expected);
    expect(await received([new TextEncoder().encode(bytes.replaceAll('\n', '\r\n'))])).toEqual(expected);
    for (let at = 0; at <= whole.length; at++) {
      expect(await received([whole.subarray(0, at), whole.subarray(at)])).toEqual(expected);
    }
  });
});
