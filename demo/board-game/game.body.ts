import { BadRequestException } from '@nestjs/common';

const DEFAULT_NAMES = ['Red', 'Blue'];
const MAX_NAME_LENGTH = 40;

/** Reads the names of two to four players from the body of `POST /games`. Without a body, there are two players. */
export function readNames(body: unknown): string[] {
  const names = body === undefined || body === null ? undefined : fieldsOf(body)['players'];
  if (names === undefined) return DEFAULT_NAMES;
  if (!Array.isArray(names) || names.length < 2 || names.length > 4 || !names.every(isName)) {
    throw new BadRequestException(
      `"players" must be two to four names, each a string of 1 to ${MAX_NAME_LENGTH} characters.`,
    );
  }
  if (new Set(names).size < names.length) throw new BadRequestException('Two players have the same name.');
  return names;
}

/** Reads from the body of a move which pawn to move. */
export function readPawn(body: unknown): number {
  const pawn = fieldsOf(body)['pawn'];
  if (Number.isInteger(pawn)) return pawn as number;
  throw new BadRequestException('"pawn" must be the number of the pawn that moves, 0 or 1.');
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw new BadRequestException('The body must be a JSON object.');
}

function isName(name: unknown): name is string {
  return typeof name === 'string' && name.trim() !== '' && name.length <= MAX_NAME_LENGTH;
}
