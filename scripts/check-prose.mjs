// Checks the wording of Markdown pages, comments, string literals, and titles of tests. Without arguments it checks everything
// except EXCLUDED. `node scripts/check-prose.mjs src/log docs` checks only these places, even excluded ones.
// Each rule is a construction that was hard to read for readers of this project, with a plain alternative.
import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import ts from 'typescript';

const MAX_WORDS = 30;

/** Places that do not pass yet. Reword one, check it by its name, and remove it here. The list must become empty. */
const EXCLUDED = [];

/** Constructions that are not used, and the alternative to each. */
const RULES = [
  [
    /(?:^|[.:;] )(?:Who|Whoever|Whom|Whose)\b(?![^.]*\?)/,
    'Name the actor: "the client", "a process that …".',
  ],
  [/(?:^|\. )What (?!follows\b)[^.?]*\.(?:$| )/, 'Do not begin a sentence with "What": name the thing.'],
  [/\bso (?:many|much|long)\b(?! (?:as|that)\b)/, 'Write "this many", or name the number.'],
  [/\bas long as that\b|\bfor so long\b/, 'Write "for this long", or name the time.'],
  [/\b(?:is|are|was|were|be|been) told\b/, 'Write who reports what to whom: "receives", "is reported".'],
  [/\blet(?:s|ting)? go of\b|\blet in\b/, 'Use "release", "admit".'],
  [/(?<!\b[Tt]here )\b(?:is|are) none\b/, 'Write "is not a valid X", "there is no X".'],
  [
    /(?<!\b[Tt]here )\b(?:is|are) no (?!longer\b|more\b|less\b|shorter\b|earlier\b|later\b)\w+/,
    'Write "is not a valid X", "there is no X".',
  ],
  [/\bstands? for\b/, 'Use "represents", "means".'],
  [/\b(?:as ever|all the same|for good|by itself alone)\b/, 'Use "still", "nevertheless", "permanently".'],
  [/\b(?:come|comes|came|coming) back\b/, 'Use "reconnect", "return", "recover".'],
  [/\bwhat is (?:used|known|kept|needed) of\b/, 'Write "the part of X that we use".'],
  [/\bhas to hold\b|\bis to be\b/, 'Use "must".'],
  [/\b[Ww]hoever\b|[;,] who\b(?! (?:is|are|has|have)\b)/, 'Name the actor: "a client that …".'],
  [/\bfor ever\b/, 'Use "forever".'],
  [/\b(?:Redis|PostgreSQL|log|server)\b (?:that )?(?:is|was|may be) away\b/, 'Use "is unavailable".'],
  [/\bone way or (?:the other|another)\b|\bas it is told\b/, 'Say what happens.'],
  [
    /\bhowever (?:long|many|much|far) (?:it|they) (?:is|are|gets?)\b/,
    'Use "of any length", "any number of".',
  ],
  [/\b(?:goes|go|went|going) on (?:with|from|until|where|as|live)\b/, 'Use "continue".'],
  [/\bhave (?:it|them|him) (?:be|been)\b/, 'Use an active verb.'],
  [
    /\b(?:colour|behaviour|honour|favour|neighbour|centre|cancelled|cancelling|labelled|modelled|licence|defence|catalogue|programme|grey)\w*\b|\b(?:author|organ|serial|initial|recogn|optim|normal|summar|util|real|minim|maxim|synchron|priorit|character)is(?:e|es|ed|ing|ation)\b/i,
    'Use American spelling.',
  ],
  [/\b(?:is|are|was|were|be) made anew\b/, 'Use "is created again".'],
  [/\bstood still\b/, 'Use "was suspended".'],
  [/\bwhoever\b|\bsomebody else\b/i, 'Name the actor.'],
  [/\bhas? nothing more to\b|\bto be had\b/, 'Say what happens.'],
  [
    /\bthere (?:is|are|was|were) none\b|\b(?:is|are) none(?= yet|[.,;]|$)/i,
    'Name the thing that is missing, or the condition.',
  ],
  [/\bpay(?:s|ing)? no heed\b/, 'Use "ignores".'],
  [/[a-z]!(?:$|\s)/, 'No exclamation marks.'],
];

const places = process.argv.slice(2);
const files = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', ...places], {
  encoding: 'utf8',
})
  .split('\n')
  .filter((file) =>
    /^(?:src|docs|schematics|examples|test|bench|scripts|demo)\/.*\.(?:ts|cts|mjs|js|md)$|^[A-Z]+\.md$/.test(
      file,
    ),
  )
  .filter((file) => !file.endsWith('.bundle.ts'))
  .filter((file) => places.length > 0 || !EXCLUDED.some((place) => `${file}/`.startsWith(`${place}/`)));

/** The paragraphs of a page: no code, no tables, no link targets. */
function* paragraphsOfPage(text) {
  let line = 0;
  let start = 1;
  let code = false;
  let paragraph = [];
  const flush = function* () {
    if (paragraph.length > 0) yield { line: start, text: paragraph.join(' ') };
    paragraph = [];
  };
  for (const row of text.split('\n')) {
    line++;
    if (/^\s*(?:```|~~~)/.test(row)) code = !code;
    const outside = code || /^\s*(?:```|~~~|<|\[[^\]]+\]:)/.test(row) || row.trim() === '';
    const cell = !outside && row.startsWith('|');
    if (outside || cell || /^\s*(?:[-*]|\d+\.|#+) /.test(row)) yield* flush();
    if (cell) for (const text of row.split(/(?<!\\)\|/)) yield { line, text, cell };
    if (outside || cell) continue;
    if (paragraph.length === 0) start = line;
    paragraph.push(row.trim().replace(/^(?:[-*]|\d+\.|#+) /, ''));
  }
  yield* flush();
}

/** Folders whose string literals are data. Of these, only the titles of tests are prose. */
const TITLES_ONLY = /^(?:test|bench|scripts)\//;

/** The comments and the string literals of a source file. */
function* paragraphsOfSource(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  const found = [];
  const lineOf = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node) => {
    const children = node.getChildren(source);
    if (children.length === 0) {
      const trivia = text.slice(node.getFullStart(), node.getStart(source)).replace(/^#!.*/, '');
      for (const match of trivia.matchAll(/\/\*[\s\S]*?\*\/|(?:\/\/[^\n]*\n?[ \t]*)+/g)) {
        if (!/@ts-expect-error/.test(match[0])) {
          found.push({ line: lineOf(node.getFullStart() + match.index), text: plain(match[0]) });
        }
      }
    }
    if (TITLES_ONLY.test(file) && !isTitle(node, source)) {
      // Data.
    } else if (
      ts.isStringLiteralLike(node) &&
      !ts.isImportDeclaration(node.parent) &&
      !ts.isExportDeclaration(node.parent)
    ) {
      if (isProse(node.text)) found.push({ line: lineOf(node.getStart(source)), text: node.text });
    } else if (ts.isTemplateExpression(node)) {
      const whole = node.head.text + node.templateSpans.map(({ literal }) => `X${literal.text}`).join('');
      if (isProse(whole)) found.push({ line: lineOf(node.getStart(source)), text: whole });
    }
    for (const child of children) visit(child);
  };
  visit(source);
  yield* found;
}

/** The first argument of `it()`, `describe()`, or `it.each()()`. */
function isTitle(node, source) {
  const { parent } = node;
  if (parent === undefined || !ts.isCallExpression(parent) || parent.arguments[0] !== node) return false;
  return /^(?:it|test|describe)\b(?!\.(?:each|skipIf)$)/.test(parent.expression.getText(source));
}

/** Not a name, and not a script. */
function isProse(text) {
  return / /.test(text) && !/\n/.test(text);
}

/** A comment without its signs, its examples and its tags. */
function plain(comment) {
  return comment
    .replace(/^\/\*\*?|\*\/$/g, '')
    .replace(/^[ \t]*(?:\*|\/\/)[ \t]?/gm, '')
    .replace(/@example[\s\S]*?(?=\n@|$)/g, '')
    .replace(/@(?:default|param|returns|internal|throws)\b(?:\s*\{[^}]*\})?/g, '. ')
    .replace(/^\s*\|.*$/gm, '')
    .replace(/\n\s*\n|:?\n\s*- /g, '. ')
    .replace(/\s+/g, ' ')
    .trim();
}

function* findings({ text, cell }) {
  const words = text
    .replace(/`[^`]*`/g, 'X')
    .replace(/\]\([^)]*\)/g, ']')
    .trim();
  for (const [rule, remedy] of RULES) {
    const match = rule.exec(words);
    if (match) yield `"${match[0].trim().slice(0, 50)}": ${remedy}`;
  }
  if (cell) return;
  for (const sentence of words.split(/(?<=[.:;?)])\s+(?=[A-Z"'(X*_[])|(?<=[:;]) /)) {
    const count = sentence.split(/\s+/).filter((word) => /\w/.test(word)).length;
    if (count > MAX_WORDS) yield `${count} words, "${sentence.slice(0, 40)}…": ${MAX_WORDS} is the limit.`;
  }
}

let count = 0;
for (const file of files) {
  const text = readFileSync(file, 'utf8');
  const paragraphs = file.endsWith('.md') ? paragraphsOfPage(text) : paragraphsOfSource(file, text);
  for (const paragraph of paragraphs) {
    for (const finding of findings(paragraph)) {
      count++;
      console.log(`${file}:${paragraph.line} ${finding}`);
    }
  }
}
console.log(count === 0 ? `${files.length} files read well.` : `${count} places in ${files.length} files.`);
process.exitCode = count === 0 ? 0 : 1;
