import { hostname } from 'node:os';

/** The name of this process: `DEMO_NODE`, or else the name of the machine with the process id. */
export const NODE_NAME = process.env['DEMO_NODE'] || `${hostname()}-${process.pid}`;
