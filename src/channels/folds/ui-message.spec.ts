import fc from 'fast-check';
import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import { event, uiMessage, type SseEvent, type UiMessageState } from 'nestjs-event-stream';
import { foldKey } from './fold.js';

/** The message that the reader of the SDK builds from parts. */
async function messageOf(chunks: readonly unknown[]): Promise<UIMessage | undefined> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      // Copies, as a client parses them: the SDK makes the parts it is given its own, and changes them.
      for (const chunk of structuredClone(chunks))
        if (typeof chunk === 'object') controller.enqueue(chunk as UIMessageChunk);
      controller.close();
    },
  });
  let message: UIMessage | undefined;
  for await (const each of readUIMessageStream({ stream, terminateOnError: true })) message = each;
  return message && (JSON.parse(JSON.stringify(message)) as UIMessage);
}

const fold = uiMessage();

function folded(chunks: readonly unknown[]): { state: UiMessageState; chunks: unknown[] } {
  let state = structuredClone(fold.initial);
  for (const data of chunks) state = fold.step(state, event({ data }) as SseEvent & { data: unknown });
  const stored = JSON.parse(JSON.stringify(state)) as UiMessageState;
  return { state: stored, chunks: (fold.toEvents(stored) as SseEvent[]).map(({ data }) => data) };
}

/** A valid stream of a message, with every interleaving that the SDK allows. */
const messages = fc
  .array(fc.record({ kind: fc.nat(11), n: fc.nat(2), text: fc.string({ maxLength: 5 }) }), { maxLength: 60 })
  .map((moves) => {
    const chunks: unknown[] = [
      { type: 'start', messageId: 'm1', messageMetadata: { a: 1 } },
      { type: 'start-step' },
    ];
    const open = new Set<string>();
    const tools = new Map<string, 'input' | 'called' | 'done'>();
    let calls = 0;
    for (const { kind, n, text } of moves) {
      const part = kind % 2 ? 'text' : 'reasoning';
      const id = `${n}`;
      const key = `${part}-${id}`;
      const tool = `t${n}-${calls}`;
      const state = tools.get(tool);
      const providerMetadata = n === 2 ? { providerMetadata: { p: { text } } } : {};
      if (kind <= 3) {
        if (!open.has(key)) chunks.push({ type: `${part}-start`, id });
        open.add(key);
        chunks.push({ type: `${part}-delta`, id, delta: text, ...providerMetadata });
      } else if (kind === 4) {
        if (open.delete(`text-${id}`)) chunks.push({ type: 'text-end', id });
      } else if (kind === 5) {
        chunks.push({ type: 'finish-step' }, { type: 'start-step' });
        open.clear();
        calls++;
      } else if (kind === 6) {
        if (state === undefined) {
          chunks.push({ type: 'tool-input-start', toolCallId: tool, toolName: 'look', title: 'Look' });
          tools.set(tool, 'input');
        }
        if (state === 'input')
          chunks.push({ type: 'tool-input-delta', toolCallId: tool, inputTextDelta: text });
      } else if (kind === 7) {
        if (state === 'input') {
          chunks.push({ type: 'tool-input-available', toolCallId: tool, toolName: 'look', input: { text } });
          tools.set(tool, 'called');
        }
      } else if (kind === 8) {
        if (state === 'called') {
          const preliminary = text.length % 2 === 0 ? { preliminary: true } : {};
          chunks.push({
            type: 'tool-output-available',
            toolCallId: tool,
            output: { text },
            ...preliminary,
            ...providerMetadata,
          });
          if (!('preliminary' in preliminary)) tools.set(tool, 'done');
        }
      } else if (kind === 9) chunks.push({ type: 'data-progress', id, data: { text } });
      else if (kind === 10) chunks.push({ type: 'data-note', data: text, transient: n === 0 });
      else chunks.push({ type: 'message-metadata', messageMetadata: { [text]: n } });
    }
    return [...chunks, { type: 'finish-step' }, { type: 'finish', finishReason: 'stop' }, '[DONE]'];
  });

describe('uiMessage()', () => {
  it('builds the same message for the reader of the SDK as all parts, at every place of every stream', async () => {
    await fc.assert(
      fc.asyncProperty(messages, fc.nat(), async (chunks, at) => {
        const cut = at % (chunks.length + 1);
        const before = folded(chunks.slice(0, cut));
        const rest = chunks.slice(cut);
        expect(await messageOf([...before.chunks, ...rest])).toEqual(await messageOf(chunks));
        // A second fold continues the state that the first one has stored.
        let { state } = before;
        for (const data of rest) state = fold.step(state, event({ data }) as SseEvent & { data: unknown });
        expect(fold.toEvents(state)).toEqual(fold.toEvents(folded(chunks).state));
      }),
      { numRuns: 300 },
    );
  });

  it.each([
    [
      'a data part',
      { type: 'data-progress', id: '2', data: { text: 'a' } },
      { type: 'data-progress', id: '2', data: { text: 'b' } },
    ],
    [
      'the output of a tool',
      { type: 'tool-output-available', toolCallId: 't', output: 1, preliminary: true },
      { type: 'tool-output-available', toolCallId: 't', output: 2 },
    ],
  ])('keeps the step in which %s of an earlier step is replaced', async (_, first, second) => {
    const chunks = [
      { type: 'start', messageId: 'm1' },
      { type: 'start-step' },
      { type: 'tool-input-available', toolCallId: 't', toolName: 'look', input: {} },
      first,
      { type: 'finish-step' },
      { type: 'start-step' },
      second,
      { type: 'finish-step' },
      { type: 'finish', finishReason: 'stop' },
    ];
    const whole = await messageOf(chunks);
    expect(whole?.parts.at(-1)).toEqual({ type: 'step-start' });
    for (const cut of chunks.keys()) {
      expect(await messageOf([...folded(chunks.slice(0, cut)).chunks, ...chunks.slice(cut)])).toEqual(whole);
    }
    expect(await messageOf(folded(chunks).chunks)).toEqual(whole);
  });

  it('joins the deltas of a long text into one part', () => {
    const deltas = Array.from({ length: 10_000 }, (_, i) => ({
      type: 'text-delta',
      id: '0',
      delta: `${i} `,
    }));
    const { chunks } = folded([
      { type: 'start', messageId: 'm' },
      { type: 'text-start', id: '0' },
      ...deltas,
    ]);
    expect(chunks).toHaveLength(3);
    expect(chunks[2]).toMatchObject({
      type: 'text-delta',
      id: '0',
      delta: deltas.map(({ delta }) => delta).join(''),
    });
  });

  it('takes names of JavaScript for types and fields like any others', () => {
    const types = ['constructor', '__proto__', 'toString'].map((type) => ({ type }));
    expect(folded(types).chunks).toEqual(types);
    const output = JSON.parse(
      '{"type":"tool-output-available","toolCallId":"c","output":1,"__proto__":{}}',
    ) as object;
    const { chunks } = folded([{ ...output, preliminary: true }, output]);
    expect(JSON.stringify(chunks)).toBe(JSON.stringify([output]));
    expect(Object.getPrototypeOf(chunks[0])).toBe(Object.prototype);
  });

  it('keeps data parts apart whose types and ids together are the same text', async () => {
    const chunks = [
      { type: 'start', messageId: 'm1' },
      { type: 'data-a~b', id: 'c', data: 1 },
      { type: 'data-a', id: 'b~c', data: 2 },
      { type: 'data-a', id: '","b~c', data: 3 },
      { type: 'data-a~b', id: 'c', data: 4 },
    ];
    expect(folded(chunks).chunks).toHaveLength(4);
    expect(await messageOf(folded(chunks).chunks)).toEqual(await messageOf(chunks));
  });

  it('reads parts that are text, and rejects values that are not parts', () => {
    const text = JSON.stringify({ type: 'text-delta', id: '0', delta: 'a' });
    expect(folded([text, text]).chunks).toEqual([{ type: 'text-delta', id: '0', delta: 'aa' }]);
    expect(() => folded([{ text: 'a' }])).toThrow('not a part of a UI message stream');
    expect(() => folded([7])).toThrow('not a part');
  });

  it('stores its states under the name ui-message, or under that of its options', () => {
    expect([foldKey(fold), foldKey(uiMessage({ name: 'answer', version: 2 }))]).toEqual([
      'ui-message@1',
      'answer@2',
    ]);
  });

  const call = { type: 'tool-input-start', toolCallId: 't', toolName: 'look' };
  const input = (inputTextDelta: string): object => ({
    type: 'tool-input-delta',
    toolCallId: 't',
    inputTextDelta,
  });
  const output = (toolCallId: string, value: number): object => ({
    type: 'tool-output-available',
    toolCallId,
    output: value,
  });

  it('joins the input of a tool, and drops it when the whole input arrives', () => {
    const whole = { type: 'tool-input-available', toolCallId: 't', toolName: 'look', input: { a: 1 } };
    const deltas = [call, input('{"a":'), input('1}')];
    expect(folded(deltas).chunks).toEqual([call, input('{"a":1}')]);
    expect(folded([...deltas, whole]).chunks).toEqual([call, input(''), whole]);
    const failed = { ...whole, type: 'tool-input-error', errorText: 'Not JSON' };
    expect(folded([...deltas, failed]).chunks).toEqual([call, input(''), failed]);
  });

  it('keeps the input of a call apart from that of a later call with the same ID', () => {
    const chunks = [call, input('{"a":'), call, input('{"b":')];
    expect(folded(chunks).chunks).toEqual(chunks);
    expect(folded([...chunks, input('2}')]).chunks).toEqual([...chunks.slice(0, 3), input('{"b":2}')]);
  });

  it('replaces the output of each call by the later ones of the same call', () => {
    const chunks = [output('t', 1), output('u', 2), output('t', 3), output('u', 4)];
    expect(folded(chunks).chunks).toEqual([output('t', 3), output('u', 4)]);
  });

  it('replaces the data of a data part with an ID, and keeps its other fields as the reader of the SDK does', async () => {
    const chunks = [
      { type: 'start', messageId: 'm1' },
      { type: 'data-note', id: '1', data: { a: 1 }, by: 'the first' },
      { type: 'data-note', id: '1', by: 'the second' },
    ];
    expect(folded(chunks).chunks).toEqual([chunks[0], { type: 'data-note', id: '1', by: 'the first' }]);
    expect(await messageOf(folded(chunks).chunks)).toEqual(await messageOf(chunks));
  });

  it.each([
    [
      'data parts without an ID',
      [
        { type: 'data-note', data: 1 },
        { type: 'data-note', data: 2 },
      ],
    ],
    [
      'data parts with the ID null',
      [
        { type: 'data-note', id: null, data: 1 },
        { type: 'data-note', id: null, data: 2 },
      ],
    ],
    [
      'texts of one step with the same ID',
      [
        { type: 'text-start', id: '0' },
        { type: 'text-delta', id: '0', delta: 'a' },
        { type: 'text-end', id: '0' },
        { type: 'text-start', id: '0' },
        { type: 'text-delta', id: '0', delta: 'b' },
        { type: 'text-end', id: '0' },
      ],
    ],
  ])('keeps %s apart, as the reader of the SDK does', async (_, parts) => {
    const chunks = [{ type: 'start', messageId: 'm1' }, ...parts];
    expect(folded(chunks).chunks).toEqual(chunks);
    expect((await messageOf(chunks))?.parts).toHaveLength(2);
    expect(await messageOf(folded(chunks).chunks)).toEqual(await messageOf(chunks));
  });
});
