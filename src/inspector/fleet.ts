import { Logger } from '@nestjs/common';
import { ErrorReports } from '../errors/error-reports.js';
import { errorText } from '../errors/error-text.js';
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

const KINDS: ReadonlySet<unknown> = new Set<FleetMessage['is']>([
  'looking',
  'away',
  'report',
  'close',
  'close-user',
]);

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

  private async listen(): Promise<void> {
    const { signal } = this.leaving;
    try {
      const messages = this.channels.channel(INSPECTOR_CHANNEL).subscribe({ signal, gap: false });
      for await (const { data } of messages) {
        if (isMessage(data) && data.node !== this.node) this.receive(data);
        // A button of another node is addressed to this one by name.
        else if (isMessage(data) && data.is === 'close') this.receive(data);
      }
    } catch (error) {
      if (!signal.aborted) this.logger.warn(`The inspector shows only this node: ${errorText(error)}`);
    }
  }
}

function isMessage(data: unknown): data is FleetMessage {
  const message = data as Partial<FleetMessage> | null;
  return typeof message === 'object' && KINDS.has(message?.is) && typeof message?.node === 'string';
}
