import { Injectable } from '@nestjs/common';
import { Channels, event, isSseError } from 'nestjs-event-stream';
import type { Channel, ChannelEvent, SseEvent } from 'nestjs-event-stream';
import { completedEvent, type UploadEvent, type UploadSession } from './upload-session.js';

/** Type of the event that says that a viewer's place is no longer kept. */
const GAP = 'gap';

/** A channel for each upload, and what a viewer of it is told. */
@Injectable()
export class UploadNews {
  constructor(private readonly channels: Channels) {}

  /** Tells all viewers of an upload, here and after a reconnect. */
  async publish(session: UploadSession, news: UploadEvent): Promise<void> {
    session.lastEventId = await this.#channel(session).publish(news);
  }

  /**
   * What becomes of an upload, whether it has begun or not, until it is complete or has failed: how it stands and what
   * follows, or for a viewer who knows it up to the event `after`, what follows that.
   */
  async *watch(
    session: UploadSession,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<SseEvent, void, undefined> {
    session.viewers++;
    try {
      const continued = after !== undefined && (yield* this.#continued(session, after, signal));
      if (!continued) yield* this.#afresh(session, signal);
    } finally {
      session.viewers--;
    }
  }

  async *#afresh(session: UploadSession, signal: AbortSignal): AsyncGenerator<SseEvent, void, undefined> {
    // Both in one turn: what the one does not tell yet, the other does.
    const news = this.#channel(session).subscribe({ signal, until: isLast });
    const { init, stored } = session;
    await news.ready;
    yield event({ id: news.cursor, data: init });
    if (stored) yield event({ data: completedEvent(stored) });
    else yield* news;
  }

  /** Returns false if what came after that event is not known any more. */
  async *#continued(
    session: UploadSession,
    after: string,
    signal: AbortSignal,
  ): AsyncGenerator<SseEvent, boolean, undefined> {
    if (session.stored && session.lastEventId === after) return true;
    const news = this.#newsAfter(session, after, signal);
    if (news === undefined) return false;
    for await (const update of news) {
      if (update.type === GAP) return false;
      yield update;
    }
    return true;
  }

  #newsAfter(
    session: UploadSession,
    after: string,
    signal: AbortSignal,
  ): AsyncIterable<SseEvent> | undefined {
    try {
      return this.#channel(session).subscribe({ after, signal, until: isLast, gap: GAP });
    } catch (error) {
      if (isSseError(error, 'SSE_INVALID_CURSOR')) return undefined;
      throw error;
    }
  }

  #channel(session: UploadSession): Channel<UploadEvent> {
    return this.channels.channel(`rat-engine/upload/${session.id}`);
  }
}

function isLast({ data }: ChannelEvent<UploadEvent>): boolean {
  return data.type === 'completed' || data.type === 'error';
}
