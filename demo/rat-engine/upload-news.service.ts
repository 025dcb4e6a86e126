import { Injectable } from '@nestjs/common';
import { Channels, isGap, isSseError } from 'nestjs-event-stream';
import type { Channel, ChannelSubscription } from 'nestjs-event-stream';
import { Records } from '../state/records.js';
import { uploadEvents, type ViewerEvent } from './upload-events.js';
import { completedEvent, initEvent, type UploadEvent, type UploadRecord } from './upload-session.js';

/** The channel and the record of each upload, and the stream for its viewers, in any process. */
@Injectable()
export class UploadNews {
  constructor(
    private readonly channels: Channels,
    private readonly records: Records,
  ) {}

  /** Reads the record of an upload. It is `undefined` before the upload starts and after it has failed. */
  find(id: string): Promise<UploadRecord | undefined> {
    return this.records.read(recordOf(id));
  }

  /** Stores the record of an upload, for later viewers. */
  async note(id: string, record: UploadRecord): Promise<void> {
    await this.records.update(recordOf(id), () => record);
  }

  /** Whether an upload has started and its end was not published yet. */
  async isOpen(id: string): Promise<boolean> {
    const record = await this.find(id);
    return record !== undefined && record.lastEventId === undefined;
  }

  /** Publishes the end of an upload that no process works on: it is complete, or it will never be. */
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

  /** Publishes an event to all viewers of an upload. Resolves with its id. */
  publish(id: string, news: UploadEvent): Promise<string> {
    return this.#channel(id).publish(news);
  }

  /**
   * Streams an upload until it is complete or has failed. It may start later. A new viewer receives the current state
   * first, and so does one whose next event is not kept any more. A viewer that has seen the event `after` receives
   * only the events that follow.
   */
  async *watch(
    id: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ViewerEvent, void, undefined> {
    const { stored, lastEventId } = (await this.find(id)) ?? {};
    if (stored && lastEventId === after) return;
    const news = this.#subscribe(id, after, signal);
    let shown: number | undefined;
    for await (const update of news) {
      // Every event has the whole state, so nothing is lost with the events of a gap.
      if (isGap(update)) continue;
      const { data } = update;
      // The record is stored before its event is published, so the event can follow a state that includes it.
      if (data.type === 'progress' && data.progress === shown) continue;
      if (data.type === 'init') shown = data.progress;
      yield uploadEvents.message(data, { id: update.id });
      if (data.type === 'completed' || data.type === 'error') return;
    }
  }

  #subscribe(id: string, after: string | undefined, signal: AbortSignal): ChannelSubscription<UploadEvent> {
    const snapshot = async (): Promise<UploadEvent[]> => {
      const record = await this.find(id);
      const init = initEvent(id, record);
      return record?.stored ? [init, completedEvent(record.stored)] : [init];
    };
    try {
      return this.#channel(id).subscribe({ after, signal, snapshot });
    } catch (error) {
      // An id that is not of this channel says nothing about what the viewer has seen.
      if (!isSseError(error, 'SSE_INVALID_CURSOR')) throw error;
      return this.#channel(id).subscribe({ signal, snapshot });
    }
  }

  #channel(id: string): Channel<UploadEvent> {
    return this.channels.channel(`rat-engine/upload/${id}`);
  }
}

const BROKEN_OFF: UploadEvent = { type: 'error', message: 'The upload was interrupted.' };

function recordOf(id: string): string {
  return `rat-engine/upload/${id}`;
}
