import { BadRequestException } from '@nestjs/common';

/** Maximum length of a statement. Its syntax tree is read synchronously. */
const MAX_LENGTH = 10_000;

/**
 * Reads the statement from the body of a query request.
 *
 * @throws {BadRequestException} unless the body is an object with a string `sql` of reasonable length.
 */
export function readSql(body: unknown): string {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BadRequestException('The body must be a JSON object: {"sql": "SELECT …"}.');
  }
  const { sql } = body as { sql?: unknown };
  if (typeof sql !== 'string') throw new BadRequestException('"sql" must be a string.');
  if (sql.length > MAX_LENGTH) {
    throw new BadRequestException(`"sql" must have at most ${MAX_LENGTH} characters.`);
  }
  return sql;
}
