#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { run } from './run.js';

/** Exit statuses of a process that a signal has ended: 128 and the number of the signal. */
const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

const controller = new AbortController();
let interrupted: number | undefined;
for (const [name, status] of Object.entries(SIGNALS)) {
  process.once(name, () => {
    interrupted = status;
    controller.abort();
  });
}
// The reader of the pipe has gone, as `head` does when it has enough.
process.stdout.on('error', () => controller.abort());

const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};
const { stdin, stdout, stderr } = process;
const status = await run(process.argv.slice(2), version, {
  stdin,
  stdout,
  stderr,
  signal: controller.signal,
});
process.exitCode = interrupted ?? status;
