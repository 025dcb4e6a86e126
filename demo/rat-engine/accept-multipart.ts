import type { INestApplication } from '@nestjs/common';

interface FastifyLike {
  addContentTypeParser(
    type: string,
    parser: (request: unknown, payload: unknown, done: (error: null) => void) => void,
  ): void;
}

/**
 * Has multipart bodies left unread, for the upload route to stream them. Fastify refuses a content type that nobody
 * reads; Express leaves it alone anyway.
 */
export function acceptMultipart(app: INestApplication): void {
  const adapter = app.getHttpAdapter();
  if (adapter.getType() !== 'fastify') return;
  const fastify = adapter.getInstance() as FastifyLike;
  fastify.addContentTypeParser('multipart/form-data', (_request, _payload, done) => done(null));
}
