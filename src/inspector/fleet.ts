import { Logger } from '@nestjs/common';
import { ErrorReports } from '../errors/error-reports.js';
import { errorText } from '../errors/error-text.js';
import { guard } from '../errors/guard.js';
import { quoted } from '../errors/sse.errors.js';
import type { Channels } from '../channels/channels.js';
import type { NodeReport } from './inspector.events.js';
import { INSPECTOR_CHANNEL } from './node-reports.js';

/** A message to all nodes. */
export type FleetMessage =
  /** Somebody looks at this node, so the others report. Repeated, because a node that dies cannot take it back. */
  | { is: 'looking'; node: string }
  /** Nobody looks at this node any more. */
  | { is: 'away'; node: string }
  | { is: 'report'; node: string; report: NodeReport }
  /** Ends one connection of a node, or all of a user on every node. */
  | { is: 'close'; node: string; id: string }
  | { is: 'close-user'; node: string; user: string };

/** The nodes that share a log. They exchange messages in one channel of it. */
export class Fleet {
  private readonly logger = new ErrorReports(new Logger('SseInspectorModule'));
  private readonly leaving = new AbortController();

  constructor(
    private readonly channels: Channels,
    private readonly node: string,
    private readonly receive: (message: FleetMessage) => void,
  ) {}

  /** Listens to the other nodes. */
  start(): void {
    void this.listen();
  }

  /** Publishes a message, unless the log is unavailable: the next report comes soon. */
  async send(message: FleetMessage): Promise<boolean> {
    try {
      await this.channels.channel(INSPECTOR_CHANNEL).publish(message);
      return true;
    } catch {
      return false;
    }
  }

  stop(): void {
    this.leaving.abort();
  }

  private take(message: FleetMessage): void {
    // A button of another node is addressed to this one by name.
    if (message.node === this.node && message.is !== 'close') return;
    guard(
      () => this.receive(message),
      (error) =>
        this.logger.warn(`A message of the node ${quoted(message.node)} failed: ${errorText(error)}`),
    );
  }

  private async listen(): Promise<void> {
    const { signal } = this.leaving;
    try {
      const messages = this.channels.channel(INSPECTOR_CHANNEL).subscribe({ signal, gap: false });
      for await (const { data } of messages) if (isMessage(data)) this.take(data);
    } catch (error) {
      if (!signal.aborted) this.logger.warn(`The inspector shows only this node: ${errorText(error)}`);
    }
  }
}

/** Checks a message. A node of another version may send one that this version does not know. */
function isMessage(data: unknown): data is FleetMessage {
  if (typeof data !== 'object' || data === null) return false;
  const { is, node, id, user, report } = data as Record<string, unknown>;
  if (typeof node !== 'string') return false;
  switch (is) {
    case 'close':
      return typeof id === 'string';
    case 'close-user':
      return typeof user === 'string';
    case 'report':
      return isReport(report) && report.node === node;
    default:
      return is === 'looking' || is === 'away';
  }
}

/** Checks the parts of a report that a page reads. */
function isReport(data: unknown): data is NodeReport {
  if (typeof data !== 'object' || data === null) return false;
  const report = data as Record<string, unknown>;
  return (
    ['totals', 'log'].every((name) => typeof report[name] === 'object' && report[name] !== null) &&
    ['routes', 'connections', 'channels', 'runs', 'limits', 'closes', 'cutOffs'].every((name) =>
      Array.isArray(report[name]),
    )
  );
}
