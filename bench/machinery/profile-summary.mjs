import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { relative, resolve, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Idle time, and the profiler's own work. */
const NOT_THE_SERVERS = new Set(['(idle)', 'dispatch']);

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The functions that use most CPU time in a profile, by themselves and by their callers. */
export function summarizeCpu(path, top) {
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(path, 'utf8'));
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const tally = new Tally();
  for (const [i, id] of samples.entries()) {
    const frame = byId.get(id);
    if (!NOT_THE_SERVERS.has(frame.functionName) || frame.url !== '') tally.add(frame, timeDeltas[i]);
  }
  return tally.lines(top, (micros) => `${Math.round(micros / 1000)} ms busy`);
}

/** The functions that allocated the memory still in use when a heap profile was taken. */
export function summarizeHeap(path, top, connections) {
  const { head } = JSON.parse(readFileSync(path, 'utf8'));
  const tally = new Tally();
  const visit = ({ callFrame, selfSize, children }) => {
    tally.add(callFrame, selfSize);
    for (const child of children) visit(child);
  };
  visit(head);
  return tally.lines(
    top,
    (bytes) => `${Math.round(bytes / connections)} bytes a connection`,
    (bytes) => String(Math.round(bytes / connections)).padStart(6),
  );
}

class Tally {
  #total = 0;
  #functions = new Map();
  #origins = new Map();

  add(frame, amount) {
    this.#total += amount;
    const origin = originOf(frame);
    this.#origins.set(origin, (this.#origins.get(origin) ?? 0) + amount);
    const name = `${frame.functionName || '(anonymous)'}  ${placeOf(frame)}`;
    this.#functions.set(name, (this.#functions.get(name) ?? 0) + amount);
  }

  lines(top, describe, show = (amount) => `${((amount / this.#total) * 100).toFixed(1)} %`.padStart(8)) {
    const sorted = (amounts) =>
      [...amounts]
        .sort((a, b) => b[1] - a[1])
        .slice(0, top)
        .map(([name, amount]) => `${show(amount)}  ${name}`);
    return [describe(this.#total), ...sorted(this.#origins).slice(0, 10), '', ...sorted(this.#functions)];
  }
}

function originOf({ functionName, url }) {
  if (url.startsWith('node:')) return `node:${url.slice(5).split('/')[0]}`;
  if (url === '') return functionName.startsWith('(') ? functionName : `native ${functionName}`;
  const module = /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url);
  if (module) return module[1];
  return url.includes('/dist/') ? 'nestjs-event-stream' : 'bench';
}

const maps = new Map();

/** The place of a function, in the source if there is a source map. */
function placeOf({ url, lineNumber, columnNumber }) {
  if (!url.startsWith('file:')) return url === '' ? '' : `${url}:${lineNumber + 1}`;
  const path = fileURLToPath(url);
  const entry = mapOf(path)?.findEntry(lineNumber, columnNumber);
  if (entry?.originalSource) {
    return `${relative(root, resolve(dirname(path), entry.originalSource))}:${entry.originalLine + 1}`;
  }
  return `${relative(root, path).replace(/^node_modules\//, '')}:${lineNumber + 1}`;
}

function mapOf(path) {
  if (!maps.has(path)) {
    const file = `${path}.map`;
    const own = !path.includes('/node_modules/') && existsSync(file);
    maps.set(path, own ? new SourceMap(JSON.parse(readFileSync(file, 'utf8'))) : undefined);
  }
  return maps.get(path);
}
