import type { ConnectionReport, NodeReport } from '../inspector.events.js';

/** The number of values in a sparkline. */
export const POINTS = 40;
/** A node that has not reported for this many of its intervals is gone. */
const MISSED_REPORTS = 4;
const LEAST_PATIENCE_MS = 6000;

/** A connection with its rate, and the rates before it. */
export interface ConnectionRow extends ConnectionReport {
  readonly unique: string;
  readonly node: string;
  readonly rate: number;
  readonly rates: readonly number[];
  readonly ageMs: number;
}

/** A node, with the rate of its events. */
interface NodeState {
  report: NodeReport;
  readonly receivedAt: number;
  readonly intervalS: number;
  readonly rate: number;
  readonly connections: Map<string, ConnectionRow>;
}

/** The reports of all nodes, and the rates that follow from two of each. */
export class State {
  readonly nodes = new Map<string, NodeState>();
  readonly totalRates: number[] = [];
  readonly totalConnections: number[] = [];
  users = false;
  /** The node that serves this page. */
  own = '';

  apply(report: NodeReport): void {
    const before = this.nodes.get(report.node);
    const intervalS = before ? Math.max(0.05, (report.at - before.report.at) / 1000) : 0;
    const connections = new Map<string, ConnectionRow>();
    let events = 0;
    for (const connection of report.connections) {
      const old = before?.connections.get(connection.id);
      const sent = connection.events - (old?.events ?? 0);
      events += before ? sent : 0;
      const rate = intervalS > 0 && (old || before) ? sent / intervalS : 0;
      connections.set(connection.id, {
        ...connection,
        unique: `${report.node}\n${connection.id}`,
        node: report.node,
        rate,
        rates: before ? [...(old?.rates ?? []), rate].slice(-POINTS) : [],
        ageMs: report.at - connection.openedAt,
      });
    }
    this.nodes.set(report.node, {
      report,
      receivedAt: performance.now(),
      intervalS,
      rate: intervalS > 0 ? events / intervalS : 0,
      connections,
    });
    if (before && report.node === this.own) this.note();
  }

  /** Removes nodes that report no more. */
  prune(): void {
    for (const [node, { report, receivedAt }] of this.nodes) {
      const patience = Math.max(LEAST_PATIENCE_MS, report.intervalMs * MISSED_REPORTS);
      if (performance.now() - receivedAt > patience) this.nodes.delete(node);
    }
  }

  reports(): NodeReport[] {
    return [...this.nodes.values()].map(({ report }) => report).sort((a, b) => (a.node < b.node ? -1 : 1));
  }

  connections(): ConnectionRow[] {
    return [...this.nodes.values()].flatMap(({ connections }) => [...connections.values()]);
  }

  sum(of: (report: NodeReport) => number): number {
    return this.reports().reduce((sum, report) => sum + of(report), 0);
  }

  get rate(): number {
    return [...this.nodes.values()].reduce((sum, { rate }) => sum + rate, 0);
  }

  private note(): void {
    for (const [values, value] of [
      [this.totalRates, this.rate],
      [this.totalConnections, this.sum(({ totals }) => totals.connections)],
    ] as const) {
      values.push(value);
      if (values.length > POINTS) values.shift();
    }
  }
}
