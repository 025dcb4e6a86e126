import type { ExecutionContext } from '@nestjs/common';
import type { FrameworkRequest } from '../rat-engine/node-request.js';

const READER = /^[\w-]{1,64}$/;

/** The name that a page gives to one of its streams in the query: `?reader=…`. Other streams do not have a name. */
export function readerOf(request: object): string | undefined {
  const { reader } = (request as { query?: { reader?: unknown } }).query ?? {};
  return typeof reader === 'string' && READER.test(reader) ? reader : undefined;
}

/** The key of a limit that counts the streams of one page. Without a name, all streams are counted together. */
export function readerKey(context: ExecutionContext): string {
  return readerOf(context.switchToHttp().getRequest<FrameworkRequest>()) ?? 'anyone';
}
