/**
 * Text in which a table function is not one: strings, quoted names, comments and dollar quotes. Text that is not closed
 * extends to the end.
 */
const OPAQUE = [
  /\be'(?:[^'\\]|\\[\s\S]|'')*(?:'|$)/,
  /'(?:[^']|'')*(?:'|$)/,
  /"(?:[^"]|"")*(?:"|$)/,
  /--[^\n]*/,
  /\/\*[\s\S]*?(?:\*\/|$)/,
  /\$(?<tag>\w*)\$[\s\S]*?(?:\$\k<tag>\$|$)/,
]
  .map(({ source }) => source)
  .join('|');

const TABLE_FUNCTION = new RegExp(
  String.raw`(?<opaque>${OPAQUE})|\btable\s*\(\s*(?<name>\w+|"(?:[^"]|"")+")\s*\)`,
  'gi',
);

/** The schema of the stored rows. A name without a schema is that of a stream. */
export const HISTORY = 'history';
/** The schema of the tables behind them, with columns that queries do not see. */
export const STORE = 'store';

/**
 * Replaces each `table(name)`, which is how Timeplus names the stored rows of a stream, by the name that the engine
 * knows: `history.name`.
 */
export function historicalSql(sql: string): string {
  return sql.replace(TABLE_FUNCTION, (text: string, ...rest: unknown[]) => {
    const { opaque, name } = rest.at(-1) as { opaque?: string; name?: string };
    return opaque === undefined ? `${HISTORY}.${name}` : text;
  });
}
