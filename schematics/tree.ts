/**
 * The part of the devkit's `Tree` that the schematics use: paths are relative to the workspace, with `/`.
 * Declared here, so that this package works with every version of the CLI and need not import the devkit.
 */
export interface Tree {
  exists(path: string): boolean;
  read(path: string): Uint8Array | null;
  create(path: string, content: string): void;
  overwrite(path: string, content: string): void;
  getDir(path: string): { readonly subfiles: readonly string[] };
}

/** The part of the devkit's `SchematicContext` that the schematics use. */
export interface Context {
  readonly logger: { info(message: string): void; warn(message: string): void };
}

/** The result of a factory. The devkit calls it with the workspace. */
export type Rule = (tree: Tree, context: Context) => Tree;

/** True for text that was read from bytes of another encoding. Written back, it would have other characters. */
export function isGarbled(text: string): boolean {
  return text.includes('\uFFFD');
}

/** The text of a file, or `undefined` if the file does not exist. */
export function readText(tree: Tree, path: string): string | undefined {
  const bytes = tree.exists(path) ? tree.read(path) : null;
  return bytes === null ? undefined : new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}
