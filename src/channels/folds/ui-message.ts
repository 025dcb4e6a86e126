import { SseEvent } from '../../events/sse-event.js';
import type { ChannelEvent } from '../channel-event.js';
import type { ReadyFoldOptions } from './concat.js';
import type { Fold } from './fold.js';

/** One part of a UI message stream of the AI SDK. */
type Chunk = Record<string, unknown> & { readonly type: string };

/** The parts of a message so far, without those that later ones have replaced. */
export interface UiMessageState {
  readonly chunks: (Chunk | string)[];
  /** Where a part is that the next one of its kind extends. */
  readonly open: Record<string, number>;
}

/**
 * A fold of a UI message stream of the AI SDK, versions 5 and 6, into the message so far. Each event is one part of the stream, as
 * `toUIMessageStream()` yields them. A client that joins late gets few parts, from which the reader of the SDK makes the same
 * message: the deltas of a text, of reasoning and of the input of a tool are joined, and data parts and preliminary outputs are
 * replaced by later ones. Transient parts are not sent again.
 *
 * @example
 * runs.start(chatId, (signal) => answer(signal).toUIMessageStream(), { fold: uiMessage() })
 */
export function uiMessage(options: ReadyFoldOptions = {}): Fold<UiMessageState> {
  return {
    name: 'ui-message',
    ...options,
    initial: { chunks: [], open: {} },
    step: (state, event) => {
      const chunk = chunkOf(event);
      if (typeof chunk === 'string') state.chunks.push(chunk);
      else if (chunk && chunk['transient'] !== true) add(state, chunk);
      return state;
    },
    toEvents: ({ chunks }) =>
      chunks.map((data) => new SseEvent(undefined, undefined, undefined, undefined, data)),
  };
}

/** The part in an event. Text that is not JSON, such as `[DONE]`, is kept as it is. `undefined` for a comment. */
function chunkOf({ data, raw }: ChannelEvent): Chunk | string | undefined {
  if (data === undefined) {
    // Every event of a log has its text in `raw`. Only that of raw() has data there and nowhere else.
    if (raw !== undefined && /^data/m.test(raw)) throw new TypeError('uiMessage() cannot read raw() text');
    return undefined;
  }
  const value: unknown = typeof data === 'string' && data.startsWith('{') ? JSON.parse(data) : data;
  if (typeof value === 'string') return value;
  if (typeof value === 'object' && value !== null && typeof (value as Partial<Chunk>).type === 'string') {
    return value as Chunk;
  }
  throw new TypeError('The event is not a part of a UI message stream');
}

function add(state: UiMessageState, chunk: Chunk): void {
  const { chunks, open } = state;
  const { type } = chunk;
  const joined = DELTAS.get(type);
  if (joined) {
    const [kind, field] = joined;
    const key = `${kind}~${String(kind === 'tool' ? chunk['toolCallId'] : chunk['id'])}`;
    const before = partAt(state, key);
    if (!before) open[key] = chunks.push({ ...chunk }) - 1;
    else {
      before[field] = String(before[field]) + String(chunk[field]);
      extend(before, chunk);
    }
    return;
  }
  if (type === 'text-start') delete open[`text~${String(chunk['id'])}`];
  else if (type === 'reasoning-start') delete open[`reasoning~${String(chunk['id'])}`];
  else if (type === 'finish-step') {
    for (const key of Object.keys(open)) if (/^(?:text|reasoning)~/.test(key)) delete open[key];
  } else if (type === 'start-step') {
    // The reader of the SDK shows the beginning of a step with the next part. So no part of it may go into an earlier step.
    for (const key of Object.keys(open)) delete open[key];
  } else if (TOOL_INPUTS.has(type)) {
    const key = `tool~${String(chunk['toolCallId'])}`;
    const delta = partAt(state, key);
    // The whole input follows, or another call begins.
    if (delta && type !== 'tool-input-start') delta['inputTextDelta'] = '';
    delete open[key];
  } else if (type === 'tool-output-available')
    return replace(state, `out~${String(chunk['toolCallId'])}`, chunk);
  else if (type.startsWith('data-') && chunk['id'] !== undefined && chunk['id'] !== null) {
    // Type and id can both contain any character.
    return replace(state, JSON.stringify([type, String(chunk['id'])]), chunk);
  }
  chunks.push({ ...chunk });
}

/** The parts that extend a part of the same kind and id, and the field with their text. */
const DELTAS: ReadonlyMap<string, readonly [kind: string, field: string]> = new Map([
  ['text-delta', ['text', 'delta']],
  ['reasoning-delta', ['reasoning', 'delta']],
  ['tool-input-delta', ['tool', 'inputTextDelta']],
]);

const TOOL_INPUTS: ReadonlySet<string> = new Set([
  'tool-input-start',
  'tool-input-available',
  'tool-input-error',
]);

/** Puts a part in the place of an earlier one. */
function replace(state: UiMessageState, key: string, chunk: Chunk): void {
  const { chunks, open } = state;
  const at = open[key];
  const before = at === undefined ? undefined : (chunks[at] as Chunk);
  if (at === undefined || !before) open[key] = chunks.push({ ...chunk }) - 1;
  else if (chunk.type.startsWith('data-')) chunks[at] = { ...before, data: chunk['data'] };
  else {
    const { preliminary: _, ...kept } = before;
    // Not Object.assign(), which takes a field "__proto__" for the prototype.
    chunks[at] = { ...kept, ...definedOf(chunk) } as Chunk;
  }
}

function partAt({ chunks, open }: UiMessageState, key: string): Record<string, unknown> | undefined {
  const at = open[key];
  return at === undefined ? undefined : (chunks[at] as Record<string, unknown>);
}

/** The metadata of the newest part counts. */
function extend(before: Record<string, unknown>, { providerMetadata }: Chunk): void {
  if (providerMetadata !== undefined && providerMetadata !== null)
    before['providerMetadata'] = providerMetadata;
}

function definedOf(chunk: Chunk): Record<string, unknown> {
  return Object.fromEntries(Object.entries(chunk).filter(([, value]) => value !== undefined));
}
