import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The path of a file that the demo ships beside its sources: `asset('prcore/event-log.csv')`. The demo reads it from
 * the `demo/` folder of the package, compiled or not, so the build need not copy it.
 */
export function asset(path: string): string {
  return join(demoFolder, path);
}

const here = fileURLToPath(new URL('.', import.meta.url));
const demoFolder =
  [here, join(here, '..', 'demo')].find((folder) => existsSync(join(folder, 'main.ts'))) ?? here;
