import { Injectable, Logger } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Channels } from 'nestjs-event-stream';
import type { EventChannel, EventSubscription } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { Records } from '../state/records.js';
import { Work } from '../state/work.js';
import { liveEvents } from './live-events.js';
import { ServerMeter } from './server-meter.js';

const PULSE_MS = 250;
const FIGURES_MS = 1000;
/** The pulse continues for this long after the last page has left, because a page whose connection was cut returns. */
const LINGER_MS = 20_000;
/** Milliseconds after which a node checks whether the node that publishes the pulse still does. */
const TAKE_OVER_MS = 2000;

/** The live channel of the page. Its events are published only while pages are open. */
@Injectable()
export class Pulse implements BeforeApplicationShutdown {
  readonly #logger = new Logger(Pulse.name);
  #viewers = 0;
  #publishing: AbortController | undefined;
  #stopping: NodeJS.Timeout | undefined;

  constructor(
    private readonly channels: Channels,
    private readonly records: Records,
    private readonly work: Work,
    private readonly meter: ServerMeter,
    private readonly pace: Pace,
  ) {}

  get channel(): EventChannel<typeof liveEvents> {
    return this.channels.channel('live/page', liveEvents);
  }

  beforeApplicationShutdown(): void {
    this.#stop();
  }

  /** Subscribes a page, and publishes for as long as there is one. */
  follow(after: string | undefined, signal: AbortSignal): EventSubscription<typeof liveEvents> {
    this.#viewers++;
    clearTimeout(this.#stopping);
    signal.addEventListener('abort', () => this.#left(), { once: true });
    this.#publishing ??= this.#start();
    return this.channel.subscribe({ after, signal });
  }

  #left(): void {
    if (--this.#viewers > 0) return;
    this.#stopping = setTimeout(() => this.#stop(), this.pace.ms(LINGER_MS));
    this.#stopping.unref();
  }

  #stop(): void {
    clearTimeout(this.#stopping);
    this.#publishing?.abort();
    this.#publishing = undefined;
  }

  #start(): AbortController {
    const stop = new AbortController();
    void this.#repeat(FIGURES_MS, stop.signal, () =>
      this.channel.publish(liveEvents.server(this.meter.read())),
    );
    void this.#repeat(TAKE_OVER_MS, stop.signal, () => this.#beat(stop.signal));
    return stop;
  }

  /** Publishes the pulse, unless another node does. */
  async #beat(signal: AbortSignal): Promise<void> {
    const lost = new AbortController();
    const place = await this.work.begin('live/pulse', () => lost.abort());
    if (!place) return;
    const until = AbortSignal.any([signal, lost.signal]);
    try {
      await this.#repeat(PULSE_MS, until, async () => {
        const number = await this.records.update<number>('live/pulse', (last = 0) => last + 1);
        await this.channel.publish(liveEvents.pulse({ number }));
      });
    } finally {
      place.release();
    }
  }

  async #repeat(everyMs: number, signal: AbortSignal, act: () => Promise<unknown>): Promise<void> {
    while (!signal.aborted) {
      try {
        await act();
      } catch (error) {
        this.#logger.warn(`The live channel could not be served: ${(error as Error).message}`);
      }
      await this.pace.sleep(everyMs, signal);
    }
  }
}
