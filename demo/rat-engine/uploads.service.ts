import type { IncomingMessage } from 'node:http';
import { ConflictException, HttpException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import type { SseEvent } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { Work } from '../state/work.js';
import { receiveFile } from './receive-file.js';
import { UploadFiles } from './upload-files.js';
import { UploadNews } from './upload-news.service.js';
import { UploadSession, completedEvent, uploadResult } from './upload-session.js';
import type { StoredUpload, UploadResult } from './upload-session.js';

/** Injection token of the greatest length of an uploaded file, in bytes. */
export const UPLOAD_MAX_BYTES = Symbol('rat-engine:upload-max-bytes');

/** As many files that came to this process are kept; beyond that the oldest is forgotten. */
const MAX_FILES = 1000;
/** How often a viewer looks whether the upload still has somebody who will tell of its end. */
const LOOK_MS = 5000;
/** A file shows as complete when it is, not when its last byte has come. */
const ALMOST_DONE = 99.9;

/** Uploads in progress and done, whichever process they came to. */
@Injectable()
export class Uploads implements BeforeApplicationShutdown {
  /** The files that came to this process, by session. */
  readonly #files = new Map<string, string>();
  /** Those that send a file now. */
  readonly #senders = new Set<IncomingMessage>();

  constructor(
    private readonly news: UploadNews,
    private readonly files: UploadFiles,
    private readonly work: Work,
    private readonly pace: Pace,
    @Inject(UPLOAD_MAX_BYTES) private readonly maxBytes: number,
  ) {}

  /** Before the server is closed, which would wait for them. */
  beforeApplicationShutdown(): void {
    for (const request of this.#senders) request.destroy();
  }

  /** Where the files are. */
  get directory(): string {
    return this.files.path;
  }

  /**
   * Streams the file of a request to disk.
   *
   * @throws {HttpException} 409 if the session has a file or is getting one, and what `receiveFile` throws.
   */
  async receive(id: string, request: IncomingMessage): Promise<UploadResult> {
    // Who stood still for so long that another process has taken the session over has lost it.
    let lost = false;
    const place = await this.work.begin(workOn(id), () => {
      lost = true;
      request.destroy();
    });
    if (!place) throw new ConflictException('A file is being uploaded in this session.');
    this.#senders.add(request);
    try {
      if ((await this.news.find(id))?.stored) {
        throw new ConflictException('This session has its file already.');
      }
      return await this.#store(new UploadSession(id), request, () => lost);
    } finally {
      this.#senders.delete(request);
      place.release();
    }
  }

  /**
   * A complete upload, and the path of its file.
   *
   * @throws {NotFoundException} if there is none.
   */
  async find(id: string): Promise<StoredUpload & { path: string }> {
    const stored = (await this.news.find(id))?.stored;
    if (stored === undefined) throw new NotFoundException('There is no such upload.');
    return { ...stored, path: this.files.file(stored.file) };
  }

  /** What becomes of an upload, for a viewer who may know it up to the event `after` already. */
  async *watch(
    id: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<SseEvent, void, undefined> {
    const again = () => void this.#lookAfter(id).catch(() => undefined);
    const look = setInterval(again, this.pace.ms(LOOK_MS));
    try {
      yield* this.news.watch(id, after, signal);
    } finally {
      clearInterval(look);
    }
  }

  /** Looks after an upload that has a viewer: the process that was to tell of its end may have died. */
  async #lookAfter(id: string): Promise<void> {
    if (!(await this.news.isOpen(id))) return;
    const place = await this.work.begin(workOn(id), () => undefined);
    // Somebody is at it.
    if (!place) return;
    try {
      await this.news.tellEnd(id);
    } finally {
      place.release();
    }
  }

  async #store(
    session: UploadSession,
    request: IncomingMessage,
    isLost: () => boolean,
  ): Promise<UploadResult> {
    const { id } = session;
    const file = this.files.newName();
    try {
      const file_size = await receiveFile(request, {
        path: this.files.file(file),
        maxBytes: this.maxBytes,
        onName: (filename) => session.named(filename),
        onBytes: (received) => this.#advance(session, received, request),
      });
      const stored = session.complete(file, file_size);
      await this.news.note(id, session.record);
      session.told(await this.news.publish(id, completedEvent(stored)));
      await this.news.note(id, session.record);
      this.#keep(id, file);
      return uploadResult(stored);
    } catch (error) {
      const message = error instanceof HttpException ? error.message : 'The file could not be stored.';
      const { stored } = session.record;
      if (!stored) await this.files.remove(file);
      // What is known of the session is that of the other process.
      if (isLost()) throw error;
      // Where even this cannot be told, the first error is still what the sender is to know. Who is told of a file finds it.
      await this.news.forget(id).then(
        () => stored && this.files.remove(file),
        () => undefined,
      );
      await this.news.publish(id, { type: 'error', message }).catch(() => undefined);
      throw error;
    }
  }

  async #advance(session: UploadSession, received: number, { headers }: IncomingMessage): Promise<void> {
    const total = Number(headers['content-length']);
    // Without a length there is nothing to tell before the end.
    if (!(total > 0)) return;
    const news = session.advance(Math.min(ALMOST_DONE, Math.round((received / total) * 1000) / 10));
    if (!news) return;
    await this.news.note(session.id, session.record);
    await this.news.publish(session.id, news);
  }

  #keep(id: string, file: string): void {
    this.#files.set(id, file);
    if (this.#files.size <= MAX_FILES) return;
    for (const [oldest, oldestFile] of this.#files) {
      this.#files.delete(oldest);
      void this.news.forget(oldest).catch(() => undefined);
      void this.files.remove(oldestFile);
      return;
    }
  }
}

/** What one process at a time does: take in the file of a session. */
function workOn(id: string): string {
  return `rat-engine/upload/${id}`;
}
