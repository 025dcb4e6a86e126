import type { IncomingMessage } from 'node:http';

/** The request of a controller. Express passes that of Node, and Fastify wraps it. */
export type FrameworkRequest = IncomingMessage | { readonly raw: IncomingMessage };

/** Returns the request of Node on both frameworks. */
export function nodeRequest(request: FrameworkRequest): IncomingMessage {
  return 'raw' in request ? request.raw : request;
}
