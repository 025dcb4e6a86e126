import type { Context, Tree } from '../../schematics/tree.js';

/** A workspace in memory, with the part of the devkit's Tree that the schematics use. */
export class FakeTree implements Tree {
  readonly files = new Map<string, string | Buffer>();
  /** The files that were made or changed. */
  readonly touched = new Set<string>();

  constructor(files: Readonly<Record<string, string | Buffer>> = {}) {
    for (const [path, content] of Object.entries(files)) this.files.set(key(path), content);
  }

  exists(path: string): boolean {
    return this.files.has(key(path));
  }

  read(path: string): Uint8Array | null {
    const content = this.files.get(key(path));
    return content === undefined ? null : Buffer.from(content);
  }

  create(path: string, content: string): void {
    if (this.exists(path)) throw new Error(`${path} exists`);
    this.put(path, content);
  }

  overwrite(path: string, content: string): void {
    if (!this.exists(path)) throw new Error(`${path} does not exist`);
    this.put(path, content);
  }

  getDir(path: string): { subfiles: string[] } {
    const folder = key(path) === '' ? '' : `${key(path)}/`;
    const names = [...this.files.keys()]
      .filter((file) => file.startsWith(folder))
      .map((file) => file.slice(folder.length));
    return { subfiles: names.filter((name) => !name.includes('/')) };
  }

  text(path: string): string {
    const content = this.files.get(path);
    if (content === undefined) throw new Error(`${path} is not among ${[...this.files.keys()].join(', ')}`);
    return content.toString();
  }

  private put(path: string, content: string): void {
    this.files.set(key(path), content);
    this.touched.add(key(path));
  }
}

function key(path: string): string {
  return path.replace(/^\/+|\/+$/g, '');
}

/** A context that records log messages. */
export class FakeContext implements Context {
  readonly infos: string[] = [];
  readonly warnings: string[] = [];
  readonly logger = {
    info: (message: string): void => void this.infos.push(message),
    warn: (message: string): void => void this.warnings.push(message),
  };
}

/** A source text in a test, without its first line break and the indentation of its last line. */
export function text(strings: TemplateStringsArray): string {
  const raw = (strings.raw[0] ?? '').replace(/^\n/, '');
  const indent = /\n?([ ]*)$/.exec(raw)?.[1] ?? '';
  return raw.replaceAll(new RegExp(`^ {${indent.length + 2}}`, 'gm'), '').replace(/[ ]*$/, '');
}
