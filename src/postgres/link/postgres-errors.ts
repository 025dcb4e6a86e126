/** SQLSTATE codes and classes after which a retry may succeed. The statement had no effect. */
const TRANSIENT = [
  /^08/, // connection exception
  /^25006$/, // read-only: a standby
  /^28/, // user and password, until one side is corrected
  /^3D000$/, // no such database, until it is created
  /^(3F000|42P01|42703|42883)$/, // missing tables or functions, until a migration has run
  /^40/, // serialization failure, deadlock
  /^53/, // too many connections, disk full, out of memory
  /^55P03$/, // lock timeout
  /^55006$/, // object in use
  /^57/, // canceled, shutting down, starting up
  /^58/, // I/O error
  /^XX/, // internal error
];

/**
 * Codes of a server that cannot be used at the moment. A table or function that is missing belongs to another version of the
 * tables, which only a look at the version tells.
 */
const OUTAGE = /^(08...|25006|28...|3D000|3F000|42P01|42703|42883|53300|57P0[1-5])$/;

/** The SQLSTATE of an error that the server answered; `undefined` if the error is not an answer. */
export function sqlState(error: unknown): string | undefined {
  const { code, severity } = (error ?? {}) as { code?: unknown; severity?: unknown };
  // Not `instanceof DatabaseError`: the client may come from another copy of the package.
  return typeof code === 'string' && typeof severity === 'string' && /^[0-9A-Z]{5}$/.test(code)
    ? code
    : undefined;
}

/**
 * True if the statement may have taken effect although it failed. An answer of the server rules that out, unless the server
 * ended the session with it.
 */
export function outcomeUnknown(error: unknown): boolean {
  return sqlState(error) === undefined || (error as { severity?: unknown }).severity !== 'ERROR';
}

/** True if a retry may succeed. */
export function isTransient(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined ? !(error instanceof TypeError) : TRANSIENT.some((pattern) => pattern.test(code));
}

/** True if the error shows that the server, or the connection to it, cannot be used. */
export function isOutage(error: unknown): boolean {
  const code = sqlState(error);
  return code === undefined || OUTAGE.test(code);
}

/** The server did not answer in time. */
export class NoAnswerError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/** The error with what to do about it, for those that a person has to solve. */
export function explained(error: unknown): unknown {
  const advice = ADVICE.find(([pattern]) => pattern.test(sqlState(error) ?? ''))?.[1];
  if (advice === undefined || !(error instanceof Error)) return error;
  return Object.assign(new Error(`${error.message}: ${advice}`, { cause: error }), {
    code: sqlState(error),
    severity: (error as { severity?: unknown }).severity,
  });
}

const ADVICE: readonly (readonly [RegExp, string])[] = [
  [/^28/, 'check user and password'],
  [/^3D000$/, 'create the database, or correct its name'],
  [/^42501$/, 'grant the privileges that docs/postgres.md lists'],
  [/^53300$/, 'raise max_connections, or use a pooler'],
  [/^(42P01|42703|42883|3F000)$/, 'run the statements of migrations(), or set createSchema: true'],
];
