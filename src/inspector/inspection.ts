import { Logger } from '@nestjs/common';
import { ErrorReports } from '../errors/error-reports.js';
import { errorText } from '../errors/error-text.js';
import type { Channels } from '../channels/channels.js';
import type { SseConnections } from '../connection/sse-connections.js';
import { MemoryLog } from '../log/memory-log.js';
import type { Runs } from '../runs/runs.js';
import { Fleet, type FleetMessage } from './fleet.js';
import type { NodeReport } from './inspector.events.js';
import type { NodeReports } from './node-reports.js';

/** A node says that somebody looks at it this often, and is believed for this long. */
const LOOKING_EVERY_MS = 5000;
const LOOKING_FOR_MS = 15_000;

/** One open page: the reports that it has not received yet, one for each node. */
interface Viewer {
  readonly waiting: Map<string, NodeReport>;
  wake: () => void;
}

/**
 * Reports this node while somebody looks at it or at another node, and hands the reports of all nodes to the pages. While nobody
 * looks, it has no timer and publishes nothing.
 */
export class Inspection {
  private readonly viewers = new Set<Viewer>();
  /** The other nodes at which somebody looks, and until when they are believed. */
  private readonly lookers = new Map<string, number>();
  /** The last reports of the other nodes, for pages that open. */
  private readonly others = new Map<string, NodeReport>();
  private readonly fleet: Fleet | undefined;
  private timer: NodeJS.Timeout | undefined;
  private saidAt = -Infinity;
  private stopped = false;
  private hasWarned = false;
  private readonly logger = new ErrorReports(new Logger('SseInspectorModule'));

  constructor(
    private readonly reports: NodeReports,
    private readonly intervalMs: number,
    private readonly connections: SseConnections,
    private readonly runs: Runs,
    channels: Channels,
  ) {
    // The log of one process has no other nodes.
    if (channels.log instanceof MemoryLog) return;
    this.fleet = new Fleet(channels, reports.node, (message) => this.receive(message));
    this.fleet.start();
  }

  /** Yields the reports of all nodes until the signal aborts. A slow page gets the newest of each. */
  async *watch(signal: AbortSignal): AsyncGenerator<NodeReport, void, undefined> {
    const viewer: Viewer = { waiting: new Map(this.others), wake: () => undefined };
    const wake = (): void => viewer.wake();
    signal.addEventListener('abort', wake);
    this.viewers.add(viewer);
    this.begin();
    try {
      while (!signal.aborted && !this.stopped) {
        for (const [node, report] of viewer.waiting) {
          viewer.waiting.delete(node);
          yield report;
        }
        if (viewer.waiting.size > 0 || signal.aborted) continue;
        await new Promise<void>((resolve) => (viewer.wake = resolve));
      }
    } finally {
      signal.removeEventListener('abort', wake);
      this.viewers.delete(viewer);
      if (this.viewers.size === 0) this.look(false);
    }
  }

  /** Ends a connection. Returns false if this node does not have it. For another node it only sends the request. */
  close(node: string, id: string): boolean | Promise<boolean> {
    if (node === this.reports.node) return this.connections.close(id);
    return this.fleet?.send({ is: 'close', node, id }) ?? false;
  }

  /** Ends all connections of a user, on every node. Returns the number of those on this node. */
  async closeUser(user: string): Promise<number> {
    const closed = this.connections.closeWhere((connection) => this.reports.userOf(connection) === user);
    await this.fleet?.send({ is: 'close-user', node: this.reports.node, user });
    return closed;
  }

  /** Stops a run, on whatever node it is. */
  stopRun(id: string): Promise<boolean> {
    return this.runs.stop(id);
  }

  /** Ends the pages and the exchange with other nodes. */
  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
    this.fleet?.stop();
    for (const viewer of this.viewers) viewer.wake();
  }

  private receive(message: FleetMessage): void {
    switch (message.is) {
      case 'looking':
        this.lookers.set(message.node, performance.now() + LOOKING_FOR_MS);
        return this.begin();
      case 'away':
        return void this.lookers.delete(message.node);
      case 'report':
        if (this.viewers.size > 0) this.show(message.report);
        return;
      case 'close':
        if (message.node === this.reports.node) this.connections.close(message.id);
        return;
      case 'close-user':
        this.connections.closeWhere((connection) => this.reports.userOf(connection) === message.user);
    }
  }

  /** Starts to report, unless it does already. */
  private begin(): void {
    if (this.timer || this.stopped) return;
    this.reports.reset();
    this.schedule(0);
  }

  private schedule(ms: number): void {
    this.timer = setTimeout(() => void this.report(), ms).unref();
  }

  private async report(): Promise<void> {
    try {
      await this.exchange();
      this.hasWarned = false;
    } catch (error) {
      // A log or a slot store of the application may throw. It must not end the process, nor the reports that follow.
      if (!this.hasWarned) this.logger.warn(`The inspector could not report this node: ${errorText(error)}`);
      this.hasWarned = true;
    }
    this.timer = undefined;
    if ((this.viewers.size > 0 || this.lookers.size > 0) && !this.stopped) this.schedule(this.intervalMs);
  }

  private async exchange(): Promise<void> {
    const report = await this.reports.collect();
    const now = performance.now();
    for (const [node, until] of this.lookers) if (until < now) this.lookers.delete(node);
    if (this.viewers.size > 0) this.look(true);
    if (this.viewers.size > 0) this.show(report);
    if (this.lookers.size > 0) {
      const { node } = this.reports;
      const sent = await this.fleet?.send({ is: 'report', node, report });
      // It may have been too large for one event of the log.
      if (!sent)
        await this.fleet?.send({ is: 'report', node, report: { ...report, connections: [], channels: [] } });
    }
  }

  /** Tells the other nodes whether somebody looks at this one. */
  private look(looks: boolean): void {
    const { node } = this.reports;
    const now = performance.now();
    if (looks && now - this.saidAt < LOOKING_EVERY_MS) return;
    this.saidAt = looks ? now : -Infinity;
    if (!looks) this.others.clear();
    void this.fleet?.send({ is: looks ? 'looking' : 'away', node });
  }

  private show(report: NodeReport): void {
    if (report.node !== this.reports.node) this.others.set(report.node, report);
    for (const viewer of this.viewers) {
      viewer.waiting.set(report.node, report);
      viewer.wake();
    }
  }
}
