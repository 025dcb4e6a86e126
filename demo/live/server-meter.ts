import { Injectable } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import type { ServerFigures } from './live-events.js';
import { NODE_NAME } from './node-name.js';

/** Measures the open connections of this process with `SseConnections`. */
@Injectable()
export class ServerMeter {
  #before = new Map<string, number>();
  #readAt = performance.now();

  constructor(private readonly connections: SseConnections) {}

  /** The figures now. The rate is that since the last call. */
  read(): ServerFigures {
    const now = performance.now();
    const seconds = Math.max(0.001, (now - this.#readAt) / 1000);
    const list = this.connections.list();
    let sent = 0;
    let bytesQueued = 0;
    for (const { id, events, queuedBytes } of list) {
      sent += events - (this.#before.get(id) ?? 0);
      bytesQueued += queuedBytes;
    }
    this.#before = new Map(list.map(({ id, events }) => [id, events]));
    this.#readAt = now;
    return {
      node: NODE_NAME,
      open: list.length,
      eventsPerSecond: Math.round(sent / seconds),
      bytesQueued,
    };
  }
}
