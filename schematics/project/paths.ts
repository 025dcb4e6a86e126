/** Parts as one path from the root of the workspace: `/` between them, no `.`, `..` resolved, no `/` at the ends. */
export function join(...parts: readonly string[]): string {
  const joined: string[] = [];
  for (const step of parts.flatMap((part) => part.split(/[\\/]+/))) {
    if (step === '..') joined.pop();
    else if (step !== '' && step !== '.') joined.push(step);
  }
  return joined.join('/');
}

/** The folder of a path; the empty string is the root. */
export function dirname(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0));
}

/** The last step of a path. */
export function basename(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** The specifier with which the file at `from` imports the file at `to`, both from the root of the workspace. */
export function relativeSpecifier(from: string, to: string): string {
  const [start, target] = [dirname(from).split('/').filter(Boolean), to.split('/')];
  let shared = 0;
  while (shared < start.length && start[shared] === target[shared]) shared += 1;
  const up = start.slice(shared).map(() => '..');
  return [...(up.length > 0 ? up : ['.']), ...target.slice(shared)].join('/');
}
