import type { Channels, ChannelSubscription } from 'nestjs-event-stream';

/** Somebody who watches a channel from when he was made, and writes down what comes; a gap as `gap`. */
export class Viewer {
  readonly seen: unknown[] = [];
  /** The ids of what was seen. */
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

  /** Resolves when this came. */
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

/** Resolves when a condition holds; looks again after each turn of the loop. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
