import { SseError, quoted } from '../errors/sse.errors.js';
import { parseRetryAfter } from './backoff.js';
import type { ResolvedConnectOptions } from './resolve-options.js';
import type { Wait } from './wait.js';

/** An answer that is not a stream. `final` if another attempt would get the same. */
export interface Refusal {
  error: SseError;
  final: boolean;
  retryAfterMs: number | undefined;
}

/** One request and its response. It can be released at any moment. */
export interface Exchange {
  /**
   * Sends the request. Returns `true` for a stream, and `false` for 204, which is the end. Throws the errors of `fetch`, and a
   * `TimeoutError` after `inactivityMs`.
   */
  send(headers: Headers): Promise<Refusal | boolean>;
  /** Returns the next bytes of the response, or `undefined` at its end. */
  read(): Promise<Uint8Array | undefined>;
  /** Cancels the request, unless it is over. */
  release(): void;
}

const ERROR_BODY_CHARS = 1000;
const ERROR_BODY_MS = 2000;

export function makeExchange(options: ResolvedConnectOptions, wait: Wait): Exchange {
  const { request, inactivityMs } = options;
  const controller = new AbortController();
  let reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  let released = false;

  function inTime<T>(promise: Promise<T>): Promise<T> {
    return wait.for(
      promise,
      inactivityMs,
      () => new DOMException(`No byte from ${request} for ${inactivityMs} ms.`, 'TimeoutError'),
    );
  }

  function cancel(): void {
    void reader?.cancel().catch(ignore);
  }

  async function judge({ status, ok, headers }: Response): Promise<Refusal | boolean> {
    if (status === 204) return false;
    const contentType = headers.get('Content-Type');
    if (ok && /^\s*text\/event-stream\s*(?:;|$)/i.test(contentType ?? '')) return true;
    const body = await bodyStart();
    // The status of a timeout, or of too many or too early requests, or an error of the server.
    const final = ok || !([408, 425, 429].includes(status) || status >= 500);
    const answered = ok ? `with ${quoted(contentType)}` : body ? `${status}: ${quoted(body)}` : status;
    return {
      error: new SseError(
        ok ? 'SSE_RESPONSE_TYPE' : 'SSE_RESPONSE_STATUS',
        `${request} answered ${answered}.`,
        {
          remedy: ok
            ? 'Check the URL, and any proxy.'
            : final
              ? 'It is not retried. Correct the request.'
              : undefined,
          context: { request, status, contentType, body },
        },
      ),
      final,
      retryAfterMs: parseRetryAfter(headers.get('Retry-After'), options.clock.now()),
    };
  }

  /** The text with which the server explains its answer. A body that does not end is not waited for. */
  async function bodyStart(): Promise<string> {
    let text = '';
    const collect = async (): Promise<void> => {
      if (!reader) return;
      const decoder = new TextDecoder();
      while (text.length < ERROR_BODY_CHARS) {
        const { value } = await reader.read();
        if (!value) break;
        text += decoder.decode(value, { stream: true });
      }
    };
    try {
      await wait.for(collect(), ERROR_BODY_MS);
    } catch {
      wait.check();
    }
    return text.slice(0, ERROR_BODY_CHARS);
  }

  return {
    async send(headers) {
      const { url, method, body, credentials, fetch } = options;
      const answer = async (): Promise<Response> => {
        const response = await fetch(url, {
          method,
          headers,
          cache: 'no-store',
          signal: controller.signal,
          ...(body !== undefined && { body }),
          ...(credentials && { credentials }),
        });
        reader = response.body?.getReader();
        // A fetch that ignores the signal may answer when nobody waits any more.
        if (released) cancel();
        return response;
      };
      const response = await inTime(answer());
      wait.check();
      return judge(response);
    },
    async read() {
      if (!reader) return undefined;
      const { value } = await inTime(reader.read());
      if (!value) released = true;
      return value;
    },
    release() {
      if (released) return;
      released = true;
      // Both, because the body of a fetch that is not the platform's does not know the signal.
      cancel();
      controller.abort();
    },
  };
}

function ignore(): void {}
