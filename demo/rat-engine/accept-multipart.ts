import type { INestApplication } from '@nestjs/common';

interface FastifyLike {
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): void;
}

/**
 * Leaves multipart bodies unread, so that the upload route can stream them. Fastify rejects a content type without a
 * parser. Express does not.
 */
export function acceptMultipart(app: INestApplication): void {
  const adapter = app.getHttpAdapter();
  if (adapter.getType() !== 'fastify') return;
  const fastify = adapter.getInstance() as FastifyLike;
  fastify.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
}
