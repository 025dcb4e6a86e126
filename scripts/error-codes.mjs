// Writes docs/error-codes.md from the union of codes and the table of HTTP statuses in src/errors.
// `node scripts/error-codes.mjs --check` fails if the page is not up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import prettier from 'prettier';
import ts from 'typescript';

const PAGE = 'docs/error-codes.md';

const parse = (file) => ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest, true);

/** The members of the union `SseErrorCode`, each with the comment before it. */
function codes() {
  const source = parse('src/errors/sse.errors.ts');
  const alias = source.statements.find(
    (statement) => ts.isTypeAliasDeclaration(statement) && statement.name.text === 'SseErrorCode',
  );
  return alias.type.types.map((member) => {
    const before = source.text.slice(0, member.getStart(source));
    const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\|?\s*$/.exec(before)?.[1] ?? '';
    const meaning = comment.replace(/\s*\n\s*\*\s?/g, ' ').trim();
    if (meaning === '') throw new Error(`${member.getText(source)} has no doc comment.`);
    return { code: member.literal.text, meaning };
  });
}

/** The HTTP status of each code that has one. */
function statuses() {
  const source = parse('src/errors/http-status.ts');
  const found = new Map();
  const visit = (node) => {
    if (ts.isPropertyAssignment(node) && ts.isObjectLiteralExpression(node.initializer)) {
      const status = node.initializer.properties.find(
        (property) => property.name?.getText(source) === 'status',
      );
      if (status) found.set(node.name.getText(source), status.initializer.getText(source));
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

const status = statuses();
const rows = codes().map(
  ({ code, meaning }) => `| \`${code}\` | ${meaning.replaceAll('|', '\\|')} | ${status.get(code) ?? ''} |`,
);
const text = `# Error codes

Each error of the library is an \`SseError\` with a \`code\`. Compare the code, and not the class or the message:

\`\`\`ts
import { isSseError } from 'nestjs-event-stream';

declare const error: unknown;

if (isSseError(error, 'SSE_LOG_UNAVAILABLE')) console.log('The log cannot be reached.', error.context);
\`\`\`

A code with a status becomes that HTTP response where nothing has been sent. A code without one is a mistake in the application, which
is answered with 500, or it is only the reason why a signal aborted. This page is generated from the source.

| code | meaning | status |
| --- | --- | --- |
${rows.join('\n')}

Next: [Errors](errors.md) · [Troubleshooting](troubleshooting.md)
`;
const page = await prettier.format(text, { ...(await prettier.resolveConfig(PAGE)), parser: 'markdown' });
if (!process.argv.includes('--check')) writeFileSync(PAGE, page);
else if (readFileSync(PAGE, 'utf8') !== page) {
  console.error(`${PAGE} is not up to date. Run "npm run docs:codes".`);
  process.exitCode = 1;
}
