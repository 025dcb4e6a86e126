import type { LoggerService } from '@nestjs/common';
import { replacedField } from '../connection/stream-head.js';
import { logLine } from '../errors/log-line.js';

/** The metadata key of `@Header()`. It has not changed since Nest's first release. */
const HEADERS = '__headers__';

interface DecoratedHeader {
  name: string;
  /** A function is called for each request. */
  value: unknown;
}

/**
 * Warns about each `@Header()` of a route that its streams are not sent with. This is not an error, because the same handler may
 * also return an ordinary answer, which has the header.
 */
export function warnOfReplacedHeaders(name: string, handler: object, logger: LoggerService): void {
  for (const header of (Reflect.getMetadata(HEADERS, handler) ?? []) as DecoratedHeader[]) {
    if (typeof header.value !== 'string') continue;
    const instead = replacedField(header.name, header.value);
    if (instead === undefined) continue;
    logLine(
      logger,
      'warn',
      `${name} has @Header('${header.name}', '${header.value}'), which is not legal for an event stream. ` +
        `Its streams are ${instead}. Its ordinary answers keep the header.`,
    );
  }
}
