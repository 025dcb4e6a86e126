import type { ExecutionContext } from '@nestjs/common';
import { rawResponse } from '../connection/response.js';

/** Methods that would throw after the head was sent. */
const HEAD_METHODS = ['setHeader', 'setHeaders', 'appendHeader', 'removeHeader', 'writeHead', 'flushHeaders'];
/** Methods that would write into the stream. */
const BODY_METHODS = ['write', 'end', 'send'];

/**
 * The execution context for guards that run again while the stream is open. Headers and cookies that they set on the response
 * have no effect. `headersSent` is true, so a guard can check it.
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
  // The reply of Fastify also exposes the response of Node.
  const raw = rawResponse(response);
  if ((raw as object) !== response) Object.defineProperty(shadow, 'raw', { value: withoutEffect(raw) });
  return shadow;
}
