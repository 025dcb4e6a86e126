import { make } from './dom.js';

const TOKEN =
  /(?<note>\/\/.*|\/\*[\s\S]*?\*\/)|(?<text>'[^'\n]*'|`[^`]*`)|(?<mark>@\w+)|(?<key>\b(?:async|await|break|class|const|constructor|else|export|extends|finally|for|function|if|implements|import|let|new|of|private|readonly|return|throw|try|catch|type|void|while|yield)\b)/g;

/** The lines of a TypeScript source as elements, with line numbers. */
export function highlighted(text, firstLine) {
  const code = document.createElement('code');
  let line = firstLine;
  const add = (part, className) => {
    part.split('\n').forEach((piece, index) => {
      if (index > 0) code.append('\n', numbered(++line));
      if (piece !== '') code.append(className ? make('span', `hl-${className}`, piece) : piece);
    });
  };
  code.append(numbered(line));
  let done = 0;
  for (const match of text.matchAll(TOKEN)) {
    add(text.slice(done, match.index));
    const [className] = Object.entries(match.groups).find(([, found]) => found !== undefined);
    add(match[0], className);
    done = match.index + match[0].length;
  }
  add(text.slice(done));
  return code;
}

function numbered(line) {
  const number = make('span', 'number', String(line));
  number.setAttribute('aria-hidden', 'true');
  return number;
}
