/** The width to which a new Nest project is formatted. */
export const WIDTH = 80;

/** The line `head(argument)tail`, over three lines as the formatter of a new Nest project writes one that is too long. */
export function callLine(head: string, argument: string, tail: string): string {
  return bracketLine(`${head}(`, argument, `)${tail}`);
}

/** The same for `head: [item],`. */
export function listLine(head: string, item: string): string {
  return bracketLine(`${head}: [`, item, '],');
}

function bracketLine(head: string, content: string, tail: string): string {
  const line = head + content + tail;
  if (line.length <= WIDTH) return line;
  const indent = indentOf(head);
  return `${head}\n${indent}  ${content},\n${indent}${tail}`;
}

/** The line `name = value;`, over two lines if it is too long. */
export function assignmentLine(name: string, value: string): string {
  const line = `${name} = ${value};`;
  return line.length <= WIDTH ? line : `${name} =\n${indentOf(name)}  ${value};`;
}

function indentOf(line: string): string {
  return /^ */.exec(line)?.[0] ?? '';
}
