import { readFile } from 'node:fs/promises';
import { NotFoundException } from '@nestjs/common';
import { asset } from '../assets.js';

/** A part of a source file. */
export interface SourceText {
  /** Path from the root of the repository. */
  readonly path: string;
  /** Line number of the first line, from 1. */
  readonly line: number;
  readonly text: string;
}

/** The file behind each stream of the page and, for a file with several streams, the path in its `@Sse()`. */
const SOURCES: ReadonlyMap<string, readonly [file: string, route?: string]> = new Map([
  ['live', ['live/live.controller.ts', 'stream']],
  ['upload', ['rat-engine/uploads.controller.ts', 'progress/:sessionId']],
  ['log', ['rat-engine/logs.controller.ts']],
  ['routes', ['rat-engine/streams.controller.ts', 'events']],
  ['events', ['rat-engine/streams.controller.ts', 'events']],
  ['custom', ['rat-engine/streams.controller.ts', 'custom']],
  ['safe-stream', ['rat-engine/streams.controller.ts', 'safe-stream']],
  ['timeout-stream', ['rat-engine/streams.controller.ts', 'timeout-stream']],
  ['heartbeat-stream', ['rat-engine/streams.controller.ts', 'heartbeat-stream']],
  ['non-blocking', ['rat-engine/data-streams.controller.ts', 'non-blocking']],
  ['memory-efficient', ['rat-engine/data-streams.controller.ts', 'memory-efficient']],
  ['debug-stream', ['rat-engine/data-streams.controller.ts', 'debug-stream']],
  ['prescriptions', ['prcore/result-stream.controller.ts']],
  ['sql', ['timeplus/queries.controller.ts']],
  ['board', ['board-game/status-stream.controller.ts']],
  ['smallest', ['trpc-cpp/trpc-cpp.controller.ts']],
  ['chat', ['token-chat/token-chat.controller.ts']],
]);

/**
 * Reads the source of a stream as it is on disk: one handler, or the whole file without its imports.
 *
 * @throws {NotFoundException} for a name that is not on the list.
 */
export async function readSource(name: string): Promise<SourceText> {
  const source = SOURCES.get(name);
  if (source === undefined) throw new NotFoundException(`There is no source "${name}".`);
  const [file, route] = source;
  const lines = (await readFile(asset(file), 'utf8')).trimEnd().split('\n');
  const [start, end] = route === undefined ? withoutImports(lines) : handlerOf(lines, route);
  return { path: `demo/${file}`, line: start + 1, text: outdented(lines.slice(start, end)) };
}

function withoutImports(lines: readonly string[]): [number, number] {
  const last = lines.findLastIndex((line) => /^(?:import .*;|\} from '.*;)$/.test(line));
  return [last + 2, lines.length];
}

/** The sources are formatted, so the first line with only a brace at the indentation of a method ends the method. */
function handlerOf(lines: readonly string[], route: string): [number, number] {
  const start = lines.findIndex((line) => line.startsWith(`  @Sse('${route}'`));
  return [start, lines.indexOf('  }', start) + 1];
}

function outdented(lines: readonly string[]): string {
  const indent = lines[0]?.search(/\S/) ?? 0;
  return lines.map((line) => line.slice(indent)).join('\n');
}
