import type { ExecutionContext } from '@nestjs/common';
import { rawResponse } from '../connection/response.js';

/** What can no longer be done to a response whose head is out; on Node's it would throw, or end up in the stream. */
const HEAD_METHODS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'writeHead', 'flushHeaders'];
const BODY_METHODS = ['write', 'end', 'send'];

/**
 * The context of a request whose response is under way, for guards that run once more: what they set on the response
 * (rate limits, cookies) goes nowhere, and `headersSent` tells those that look.
 */
export function withSentResponse(context: ExecutionContext): ExecutionContext {
  const http = context.switchToHttp();
  const response = withoutEffect(http.getResponse<object>());
  const args: unknown[] = [http.getRequest(), response, http.getNext()];
  const host = {
    getRequest: () => args[0],
    getResponse: () => response,
    getNext: () => args[2],
  };
  return Object.assign(Object.create(context) as ExecutionContext, {
    getArgs: () => args,
    getArgByIndex: (index: number) => args[index],
    switchToHttp: () => host,
  });
}

function withoutEffect(response: object): object {
  const shadow = Object.create(response) as Record<string, unknown>;
  const nothing = function (this: unknown): unknown {
    return this;
  };
  for (const name of [...HEAD_METHODS, ...BODY_METHODS]) {
    Object.defineProperty(shadow, name, { value: nothing });
  }
  // Fastify's reply has Node's response beside its own methods.
  const raw = rawResponse(response);
  if ((raw as object) !== response) Object.defineProperty(shadow, 'raw', { value: withoutEffect(raw) });
  return shadow;
}
