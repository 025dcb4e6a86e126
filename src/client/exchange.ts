import { SseError, quoted } from '../errors/sse.errors.js';
import { parseRetryAfter } from './backoff.js';
import type { ResolvedConnectOptions } from './resolve-options.js';
import type { Wait } from './wait.js';

/** What the server answered: a stream, 204 (the end), or something else, worth another attempt or not. */
export type Answer =
  | { kind: 'stream' | 'finished' }
  | { kind: 'refused'; error: SseError; final: boolean; retryAfterMs: number | undefined };

const ERROR_BODY_CHARS = 1000;
const ERROR_BODY_MS = 2000;

/** One request and its response, which can be let go of at any moment, and is once. */
export class Exchange {
  private readonly controller = new AbortController();
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  private released = false;

  constructor(
    private readonly options: ResolvedConnectOptions,
    private readonly wait: Wait,
  ) {}

  /** Sends the request. What `fetch` throws, and the silence of `inactivityMs`, is thrown. */
  async send(headers: Headers): Promise<Answer> {
    const { url, method, body, credentials, fetch, inactivityMs } = this.options;
    const init: RequestInit = { method, headers, cache: 'no-store', signal: this.controller.signal };
    if (body !== undefined) init.body = body;
    if (credentials !== undefined) init.credentials = credentials;
    const sent = Promise.resolve(fetch(url, init));
    // A fetch that pays no heed to the signal may still answer when nobody waits any more.
    void sent.then((late) => (this.released ? discard(late.body) : undefined), ignore);
    const response = await this.wait.for(sent, inactivityMs, () => this.silence());
    if (this.released) discard(response.body);
    this.wait.check();
    this.reader = response.body?.getReader();
    return this.judge(response);
  }

  /** The next bytes of the response, or `undefined` at its end. */
  async read(): Promise<Uint8Array | undefined> {
    if (this.reader === undefined) return undefined;
    const { value } = await this.wait.for(this.reader.read(), this.options.inactivityMs, () =>
      this.silence(),
    );
    if (value === undefined) this.released = true;
    return value;
  }

  /** Cancels the request, unless it is over. */
  release(): void {
    if (this.released) return;
    this.released = true;
    // Both: a body that is not of a real fetch knows nothing of the signal.
    void this.reader?.cancel().catch(ignore);
    this.controller.abort();
  }

  private async judge(response: Response): Promise<Answer> {
    const { status } = response;
    if (status === 204) return { kind: 'finished' };
    const contentType = response.headers.get('Content-Type');
    const isStream = /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType ?? '');
    if (response.ok && isStream) return { kind: 'stream' };
    const body = await this.bodyStart();
    const { request } = this.options;
    if (response.ok) {
      const error = new SseError('SSE_RESPONSE_TYPE', `${request} answered with ${quoted(contentType)}.`, {
        remedy:
          'Only text/event-stream is one: see whether the address is right, and what stands before the server.',
        context: { request, status, contentType, body },
      });
      return { kind: 'refused', error, final: true, retryAfterMs: undefined };
    }
    const final = !passesByItself(status);
    const error = new SseError(
      'SSE_RESPONSE_STATUS',
      `${request} answered ${status}${body === '' ? '' : `: ${quoted(body)}`}.`,
      {
        remedy: final ? 'That status is not tried again: correct the request, then connect anew.' : undefined,
        context: { request, status, body },
      },
    );
    const { clock } = this.options;
    return {
      kind: 'refused',
      error,
      final,
      retryAfterMs: parseRetryAfter(response.headers.get('Retry-After'), clock.now()),
    };
  }

  // What the server says about its refusal; a body that does not end is not waited for.
  private async bodyStart(): Promise<string> {
    let text = '';
    const collect = async (reader: ReadableStreamDefaultReader<Uint8Array>): Promise<void> => {
      const decoder = new TextDecoder();
      while (text.length < ERROR_BODY_CHARS) {
        const { value } = await reader.read();
        if (value === undefined) break;
        text += decoder.decode(value, { stream: true });
      }
    };
    try {
      if (this.reader) await this.wait.for(collect(this.reader), ERROR_BODY_MS);
    } catch {
      this.wait.check();
    }
    return text.slice(0, ERROR_BODY_CHARS);
  }

  private silence(): DOMException {
    const { request, inactivityMs } = this.options;
    return new DOMException(`Not a byte from ${request} for ${inactivityMs} ms.`, 'TimeoutError');
  }
}

/** Time-out, too early, too many requests, and what is the server's own fault. */
function passesByItself(status: number): boolean {
  return status === 408 || status === 425 || status === 429 || status >= 500;
}

function discard(body: ReadableStream | null): void {
  void body?.cancel().catch(ignore);
}

function ignore(): void {}
