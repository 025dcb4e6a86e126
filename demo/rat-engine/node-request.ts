import type { IncomingMessage } from 'node:http';

/** A request as Express (Node's own) or Fastify (around Node's) hands it to a controller. */
export type FrameworkRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Node's request, whatever framework it came through. */
export function nodeRequest(request: FrameworkRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}
