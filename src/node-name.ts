import { hostname } from 'node:os';

/** The default name of this process for administrators: its host and its process ID. */
export function nodeName(): string {
  return `${hostname()}:${process.pid}`;
}
