import type { NestFastifyApplication } from '@nestjs/platform-fastify';

/** Call this in `main.ts` if you use Fastify, which refuses a content type without a parser. This parser reads nothing. */
export function leaveBodiesUnread(app: NestFastifyApplication): void {
  const fastify = app.getHttpAdapter().getInstance();
  fastify.addContentTypeParser('application/octet-stream', (_request, _payload, done) => done(null));
}
