import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { Channels, SseConnections } from 'nestjs-event-stream';
import { defineEvents, type } from 'nestjs-event-stream/events';
import { nodeRequest, type FrameworkRequest } from '../rat-engine/node-request.js';
import { sharedUrl } from '../state/shared-url.js';
import { readerOf } from './reader.js';

/** A way to end a stream. `cut` destroys its socket, and `close` ends its response in order. */
export type ReaderAction = 'cut' | 'close';

const orders = defineEvents({ order: type<{ reader: string; action: ReaderAction }>() });

/** Ends the streams of a reader, on the node that serves them. */
@Injectable()
export class ReaderControl implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #logger = new Logger(ReaderControl.name);
  readonly #stopping = new AbortController();

  constructor(
    private readonly connections: SseConnections,
    private readonly channels: Channels,
  ) {}

  onApplicationBootstrap(): void {
    if (sharedUrl() === undefined) return;
    this.#obey().catch((error: unknown) => this.#logger.warn(`Orders are not received: ${String(error)}`));
  }

  beforeApplicationShutdown(): void {
    this.#stopping.abort();
  }

  /** Ends the streams here, or else asks the other nodes to. Resolves with `false` if no node can have them. */
  async end(reader: string, action: ReaderAction): Promise<boolean> {
    if (this.#endHere(reader, action)) return true;
    if (sharedUrl() === undefined) return false;
    await this.#channel.publish(orders.order({ reader, action }));
    return true;
  }

  get #channel() {
    return this.channels.channel('live/orders', orders);
  }

  async #obey(): Promise<void> {
    for await (const event of this.#channel.subscribe({ signal: this.#stopping.signal })) {
      if (event.type === 'order') this.#endHere(event.data.reader, event.data.action);
    }
  }

  #endHere(reader: string, action: ReaderAction): boolean {
    const open = this.connections
      .list<FrameworkRequest>()
      .filter(({ request }) => readerOf(request) === reader);
    for (const connection of open) {
      if (action === 'cut') nodeRequest(connection.request).socket.destroy();
      else connection.close();
    }
    return open.length > 0;
  }
}
