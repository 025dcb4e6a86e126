import { Injectable } from '@nestjs/common';
import { Channels, event, isGap, isSseError } from 'nestjs-event-stream';
import type { Channel, ChannelEvent, ChannelSubscription, SseEvent } from 'nestjs-event-stream';
import { Records } from '../state/records.js';
import { completedEvent, initEvent, type UploadEvent, type UploadRecord } from './upload-session.js';

/** A channel for each upload and a record of how it stands, and what a viewer of it is told, in whatever process. */
@Injectable()
export class UploadNews {
  constructor(
    private readonly channels: Channels,
    private readonly records: Records,
  ) {}

  /** How an upload stands; `undefined` if none has begun, or it failed. */
  find(id: string): Promise<UploadRecord | undefined> {
    return this.records.read(recordOf(id));
  }

  /** Takes down how an upload stands, for those who come from now on. */
  async note(id: string, record: UploadRecord): Promise<void> {
    await this.records.update(recordOf(id), () => record);
  }

  /** Whether an upload has begun and its end was not told yet. */
  async isOpen(id: string): Promise<boolean> {
    const record = await this.find(id);
    return record !== undefined && record.lastEventId === undefined;
  }

  /** Tells the end of an upload at which nobody is any more: it is complete, or will never be. */
  async tellEnd(id: string): Promise<void> {
    const record = await this.find(id);
    if (record === undefined || record.lastEventId !== undefined) return;
    const { stored } = record;
    if (!stored) await this.forget(id);
    const lastEventId = await this.publish(id, stored ? completedEvent(stored) : BROKEN_OFF);
    if (stored) await this.note(id, { ...record, lastEventId });
  }

  forget(id: string): Promise<void> {
    return this.records.delete(recordOf(id));
  }

  /** Tells all viewers of an upload, and those who come back; the id of the event. */
  publish(id: string, news: UploadEvent): Promise<string> {
    return this.#channel(id).publish(news);
  }

  /**
   * What becomes of an upload, whether it has begun or not, until it is complete or has failed: how it stands and what
   * follows, or for a viewer who knows it up to the event `after`, what follows that.
   */
  async *watch(
    id: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<SseEvent, void, undefined> {
    let over = after !== undefined && (yield* this.#continued(id, after, signal));
    while (!over) over = yield* this.#afresh(id, signal);
  }

  /** Returns false if the viewer was so slow that what came meanwhile is not kept any more. */
  async *#afresh(id: string, signal: AbortSignal): AsyncGenerator<SseEvent, boolean, undefined> {
    // Begun before it is read how the upload stands: what the one does not tell yet, the other does.
    const news = this.#channel(id).subscribe({ signal, until: isLast });
    try {
      await news.ready;
      const { cursor } = news;
      const record = await this.find(id);
      yield event({ id: cursor, data: initEvent(id, record) });
      if (record?.stored) {
        yield event({ data: completedEvent(record.stored) });
        return true;
      }
      return yield* this.#told(news, record?.progress);
    } finally {
      news.close();
    }
  }

  /** Returns false if what came after that event is not known any more. */
  async *#continued(
    id: string,
    after: string,
    signal: AbortSignal,
  ): AsyncGenerator<SseEvent, boolean, undefined> {
    const { stored, lastEventId } = (await this.find(id)) ?? {};
    if (stored && lastEventId === after) return true;
    const news = this.#newsAfter(id, after, signal);
    return news !== undefined && (yield* this.#told(news, undefined));
  }

  async *#told(
    news: ChannelSubscription<UploadEvent>,
    known: number | undefined,
  ): AsyncGenerator<SseEvent, boolean, undefined> {
    for await (const update of news) {
      if (isGap(update)) return false;
      const { data } = update;
      if (data.type !== 'progress' || data.progress !== known) yield update;
    }
    return true;
  }

  #newsAfter(id: string, after: string, signal: AbortSignal): ChannelSubscription<UploadEvent> | undefined {
    try {
      return this.#channel(id).subscribe({ after, signal, until: isLast });
    } catch (error) {
      if (isSseError(error, 'SSE_INVALID_CURSOR')) return undefined;
      throw error;
    }
  }

  #channel(id: string): Channel<UploadEvent> {
    return this.channels.channel(`rat-engine/upload/${id}`);
  }
}

const BROKEN_OFF: UploadEvent = { type: 'error', message: 'The upload was broken off.' };

function recordOf(id: string): string {
  return `rat-engine/upload/${id}`;
}

function isLast({ data }: ChannelEvent<UploadEvent>): boolean {
  return data.type === 'completed' || data.type === 'error';
}
