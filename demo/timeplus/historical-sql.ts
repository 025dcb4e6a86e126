/** What is no place for a table function: strings, quoted names, comments, dollar quotes; unclosed ones go to the end. */
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

/** The schema of the tables as they are stored; without it a name is that of a stream. */
export const HISTORY = 'history';

/**
 * A statement with each `table(name)`, which is how Timeplus names the stored rows of a stream, in words that the
 * engine knows (`history.name`).
 */
export function historicalSql(sql: string): string {
  return sql.replace(TABLE_FUNCTION, (text: string, ...rest: unknown[]) => {
    const { opaque, name } = rest.at(-1) as { opaque?: string; name?: string };
    return opaque === undefined ? `${HISTORY}.${name}` : text;
  });
}
