import type { Channels, ChannelSubscription } from 'nestjs-event-stream';

/** Watches a channel from the time of its creation, and records the events; a gap as `gap`. */
export class Viewer {
  readonly seen: unknown[] = [];
  /** The IDs of the received events. */
  readonly ids: (string | undefined)[] = [];
  private readonly subscription: ChannelSubscription;
  private waiting: (() => void)[] = [];
  readonly over: Promise<void>;

  constructor(
    channels: Channels,
    channel: string,
    options: { after?: string; from?: 'now' | 'oldest' } = {},
  ) {
    this.subscription = channels.channel(channel).subscribe(options);
    this.over = this.run();
  }

  get ready(): Promise<void> {
    return this.subscription.ready;
  }

  /** Resolves when this event has arrived. */
  async until(last: unknown): Promise<void> {
    while (!this.seen.includes(last)) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  async leave(): Promise<void> {
    await this.subscription.return();
    await this.over;
  }

  private async run(): Promise<void> {
    for await (const { type, data, id } of this.subscription) {
      this.ids.push(id);
      this.seen.push(type === 'gap' ? 'gap' : data);
      for (const look of this.waiting.splice(0)) look();
    }
  }
}

/** Resolves when a condition holds. Checks it after each turn of the event loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
