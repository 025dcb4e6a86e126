import type { DemoAdapter } from './create-app.js';
import { readSpeed } from './pace.js';

/** The HTTP framework and the address of the demo. */
export interface Settings {
  readonly adapter: DemoAdapter;
  readonly host: string;
  readonly port: number;
}

const DEFAULT_PORT = 3000;
const DEFAULT_HOST = '127.0.0.1';

/**
 * Reads the settings from `PORT`, `HOST` and `DEMO_ADAPTER`. `DEMO_SPEED` is used elsewhere, and here it is only
 * validated.
 *
 * @throws {Error} for a value that is not valid. The message says which values are.
 */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  readSpeed(env);
  return {
    adapter: readAdapter(env['DEMO_ADAPTER']),
    host: env['HOST'] || DEFAULT_HOST,
    port: readPort(env['PORT']),
  };
}

function readPort(value: string | undefined): number {
  if (value === undefined || value === '') return DEFAULT_PORT;
  const port = Number(value);
  if (/^\d+$/.test(value) && port <= 65_535) return port;
  throw new Error(`PORT is "${value}": it must be a number from 0 (any free port) to 65535.`);
}

function readAdapter(value: string | undefined): DemoAdapter {
  if (value === undefined || value === '') return 'express';
  if (value === 'express' || value === 'fastify') return value;
  throw new Error(`DEMO_ADAPTER is "${value}": it must be express or fastify.`);
}
