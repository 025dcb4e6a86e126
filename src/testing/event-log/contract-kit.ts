import type { EventLog, LogSlice, ReadLimit } from '../../log/event-log.js';
import { toRecord, type LogRecord } from '../../log/log-record.js';
import { event } from '../../events/sse-event.js';

/** Retention limits of a log under test. */
export interface ContractRetention {
  /** The log may keep more than these, but not 60 times as many. */
  maxEvents?: number;
  /** Exact: the event of one byte more is refused. */
  maxEventBytes?: number;
}

/**
 * Makes an empty log for one test: itself, or several that share their data as the nodes of one application do. The
 * contract closes them.
 */
export type MakeLogs = (retention: ContractRetention) => Logs | Promise<Logs>;
export type Logs = EventLog | readonly [EventLog, ...EventLog[]];

/** The part of a test runner that the contract uses. Jest and Vitest provide it. */
export interface ContractRunner {
  describe(name: string, suite: () => void): void;
  it(name: string, test: () => Promise<void>): void;
  expect(value: unknown): {
    toBe(expected: unknown): void;
    toEqual(expected: unknown): void;
    toMatch(expected: RegExp): void;
  };
}

/** Two nodes on the same data; the same log twice where there is only one. */
export interface Nodes {
  readonly log: EventLog;
  readonly other: EventLog;
}
export interface Lives extends Nodes {
  /** Creates an empty log, as after a restart without data. */
  anotherLife(): Promise<EventLog>;
}
export type Test = (
  property: string,
  check: (nodes: Lives) => Promise<void>,
  retention?: ContractRetention,
) => void;
export type Expect = ContractRunner['expect'];

/** A read limit that no test reaches. */
export const ALL: ReadLimit = { events: 100_000, bytes: 100_000_000 };

/** Records the calls of a listener. */
export class News {
  readonly channels = new Set<string>();
  calls = 0;
  private waiting: (() => void) | undefined;
  readonly listener = (changed: readonly string[]): void => {
    this.calls++;
    for (const channel of changed) this.channels.add(channel);
    this.waiting?.();
  };

  async of(channel: string): Promise<void> {
    while (!this.channels.has(channel)) await new Promise<void>((resolve) => (this.waiting = resolve));
  }
}

/** Reads `count` events as a subscription does: to the end, then again after each call of the listener. */
export async function follow(
  log: EventLog,
  channel: string,
  count: number,
  start: string | undefined,
  events: number,
): Promise<string[]> {
  const seen: string[] = [];
  let after = start;
  const news = new News();
  const unwatch = log.watch([channel], news.listener);
  try {
    while (seen.length < count) {
      news.channels.clear();
      const slice = await log.read(channel, after, { ...ALL, events });
      if (slice.gap) throw new Error(`a gap after ${String(after)}`);
      seen.push(...texts(slice));
      after = slice.entries[slice.entries.length - 1]?.position ?? slice.from;
      if (slice.entries.length === 0 && seen.length < count) await news.of(channel);
    }
    return seen;
  } finally {
    unwatch();
  }
}

/** Node n of m publishes the numbers that are n modulo m, in order, some at once. */
export async function publishAll(nodes: readonly EventLog[], channel: string, count: number): Promise<void> {
  const publishers = nodes.map(async (node, n) => {
    for (let i = n; i < count; i += nodes.length) await node.append(channel, records(`${i}`));
  });
  await Promise.all(publishers);
}

export function records(...data: string[]): LogRecord[] {
  return data.map((text) => toRecord(event({ type: 't', data: text }), undefined));
}

export function numbers(from: number, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${from + i}`);
}

export function texts({ entries }: Pick<LogSlice, 'entries'>): string[] {
  return entries.map(({ frame }) => /^data: (.*)$/m.exec(frame)?.[1] ?? '');
}

export async function codeOf(call: () => Promise<unknown>): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return 'no error';
}
