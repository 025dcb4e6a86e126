import { SseError, quoted } from '../errors/sse.errors.js';
import { randomId } from '../random-id.js';

/** A chunk of a UI message, as the AI SDK defines it: a `type` and the fields of that type. */
export interface UiMessageChunk {
  readonly type: string;
}

const ID_LENGTH = 16;
/** The types of the chunks that end a message. */
const LAST: ReadonlySet<string> = new Set(['finish', 'abort', 'error']);

/** The chunks of one UI message, from values that are text or chunks. */
export class MessageChunks {
  private started = false;
  /** True if the message was begun here, or has text that came without chunks. Then it also has to be finished here. */
  private own = false;
  /** True after a chunk that ends the message. */
  private over = false;
  /** The id of the text part that is open. */
  private text: string | undefined;
  private texts = 0;

  /**
   * The chunks for one value.
   *
   * @throws {SseError} `SSE_NOT_STREAMABLE`
   */
  take(value: unknown): UiMessageChunk[] {
    if (typeof value === 'string') return this.takeText(value);
    if (value === undefined) return [];
    if (!isChunk(value)) throw notAChunk(value);
    const before = value.type === 'start' ? [] : this.begin();
    this.started = true;
    this.over ||= LAST.has(value.type);
    return [...before, ...this.endText(), value];
  }

  /** The chunks after the last value. */
  end(): UiMessageChunk[] {
    const before = this.begin();
    const finish = this.own && !this.over ? [chunk({ type: 'finish', finishReason: 'stop' })] : [];
    return [...before, ...this.endText(), ...finish];
  }

  /** The chunks after the last value of an answer that was stopped. */
  abort(): UiMessageChunk[] {
    if (this.over) return [];
    return [...this.begin(), ...this.endText(), { type: 'abort' }];
  }

  private takeText(delta: string): UiMessageChunk[] {
    if (delta === '') return [];
    const before = this.begin({ messageId: randomId(ID_LENGTH) });
    if (this.text === undefined) {
      this.text = `text-${++this.texts}`;
      this.own = true;
      before.push(chunk({ type: 'text-start', id: this.text }));
    }
    before.push(chunk({ type: 'text-delta', id: this.text, delta }));
    return before;
  }

  /** The chunk `start`, unless there was one. A message of chunks gets no id: the client may be continuing one of its own. */
  private begin(fields: object = {}): UiMessageChunk[] {
    if (this.started) return [];
    this.started = true;
    this.own = true;
    return [chunk({ type: 'start', ...fields })];
  }

  private endText(): UiMessageChunk[] {
    const id = this.text;
    this.text = undefined;
    return id === undefined ? [] : [chunk({ type: 'text-end', id })];
  }
}

function chunk(fields: UiMessageChunk & Record<string, unknown>): UiMessageChunk {
  return fields;
}

function isChunk(value: unknown): value is UiMessageChunk {
  return (
    typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'
  );
}

function notAChunk(value: unknown): SseError {
  return new SseError('SSE_NOT_STREAMABLE', `An answer has the value ${quoted(value)}.`, {
    remedy: "Yield text, or a chunk of the AI SDK with a type, such as { type: 'data-weather', data }.",
    context: { value },
  });
}
