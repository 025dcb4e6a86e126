import { GoneException } from '@nestjs/common';
import type { ChannelSubscription } from '../channels/subscription.js';
import { isGap } from '../events/library-events.js';
import type { UiMessageChunk } from './message-chunks.js';

/**
 * The chunks of a subscription to an answer. Fails where some are missing, because the reader of the AI SDK would take what follows
 * for the whole answer. A client that is too slow for what the log keeps gets the state again; to the SDK that would be the
 * same text twice.
 */
export class WholeAnswer implements AsyncIterableIterator<UiMessageChunk, undefined> {
  /** True once the events of the log follow. They have ids, and those of a state before its last one have none. */
  private live = false;

  constructor(private readonly subscription: ChannelSubscription<UiMessageChunk>) {}

  async next(): Promise<IteratorResult<UiMessageChunk, undefined>> {
    const result = await this.subscription.next();
    if (result.done === true) return result;
    const event = result.value;
    const missed = isGap(event) || (this.live && event.id === undefined);
    if (missed) {
      this.subscription.close();
      throw new GoneException('A part of this answer is no longer available.');
    }
    this.live ||= event.id !== undefined;
    return { done: false, value: event.data as UiMessageChunk };
  }

  async return(): Promise<IteratorResult<UiMessageChunk, undefined>> {
    this.subscription.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
