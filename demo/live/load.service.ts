import { Injectable } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Channels } from 'nestjs-event-stream';
import type { EventSubscription } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { loadEvents } from './load-events.js';
import { NODE_NAME } from './node-name.js';

/** 20 events of 128 KB per second fill the buffers of a client that does not read within a few seconds. */
const EVERY_MS = 50;
const PADDING = 'x'.repeat(131_072);

/** Publishes large events on a channel of this process while somebody reads them. */
@Injectable()
export class Load implements BeforeApplicationShutdown {
  #readers = 0;
  #number = 0;
  #publishing: AbortController | undefined;

  constructor(
    private readonly channels: Channels,
    private readonly pace: Pace,
  ) {}

  beforeApplicationShutdown(): void {
    this.#publishing?.abort();
  }

  follow(signal: AbortSignal): EventSubscription<typeof loadEvents> {
    this.#readers++;
    signal.addEventListener('abort', () => this.#left(), { once: true });
    if (!this.#publishing) {
      this.#publishing = new AbortController();
      void this.#publish(this.#publishing.signal);
    }
    return this.#channel.subscribe({ signal });
  }

  get #channel() {
    return this.channels.channel(`live/load/${NODE_NAME}`, loadEvents);
  }

  #left(): void {
    if (--this.#readers > 0) return;
    this.#publishing?.abort();
    this.#publishing = undefined;
  }

  async #publish(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const event = loadEvents.load({ number: ++this.#number, padding: PADDING });
      await this.#channel.publish(event).catch(() => undefined);
      await this.pace.sleep(EVERY_MS, signal);
    }
  }
}
