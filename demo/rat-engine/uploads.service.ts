import type { IncomingMessage } from 'node:http';
import { ConflictException, HttpException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { BeforeApplicationShutdown } from '@nestjs/common';
import { Pace } from '../pace.js';
import { Work } from '../state/work.js';
import { receiveFile } from './receive-file.js';
import type { ViewerEvent } from './upload-events.js';
import { UploadFiles } from './upload-files.js';
import { UploadNews } from './upload-news.service.js';
import { UploadSession, completedEvent, uploadResult } from './upload-session.js';
import type { StoredUpload, UploadResult } from './upload-session.js';

/** Injection token of the maximum length of an uploaded file, in bytes. */
export const UPLOAD_MAX_BYTES = Symbol('rat-engine:upload-max-bytes');

/** Maximum number of files of this process that are kept. Beyond it, the oldest one is deleted. */
const MAX_FILES = 1000;
/** Milliseconds between two checks whether a process still works on an upload that has a viewer. */
const LOOK_MS = 5000;
/** Maximum progress before the file is complete. Its last byte can arrive earlier than that. */
const ALMOST_DONE = 99.9;

/** All uploads, in any process, running and complete. */
@Injectable()
export class Uploads implements BeforeApplicationShutdown {
  /** The files that this process has received, by session. */
  readonly #files = new Map<string, string>();
  /** The requests that are sending a file. */
  readonly #senders = new Set<IncomingMessage>();

  constructor(
    private readonly news: UploadNews,
    private readonly files: UploadFiles,
    private readonly work: Work,
    private readonly pace: Pace,
    @Inject(UPLOAD_MAX_BYTES) private readonly maxBytes: number,
  ) {}

  /** Runs before the server is closed, because closing would wait for these requests. */
  beforeApplicationShutdown(): void {
    for (const request of this.#senders) request.destroy();
  }

  /** The folder of the files. */
  get directory(): string {
    return this.files.path;
  }

  /**
   * Streams the file of a request to disk, at most at this rate.
   *
   * @throws {HttpException} 409 if the session has a file or is receiving one, and the errors of `receiveFile`.
   */
  async receive(id: string, request: IncomingMessage, bytesPerSecond = Infinity): Promise<UploadResult> {
    // If this process was suspended for too long, another one has taken over the session.
    let lost = false;
    const place = await this.work.begin(workOn(id), () => {
      lost = true;
      request.destroy();
    });
    if (!place) throw new ConflictException('A file is being uploaded in this session.');
    this.#senders.add(request);
    try {
      if ((await this.news.find(id))?.stored) {
        throw new ConflictException('This session already has its file.');
      }
      return await this.#store(new UploadSession(id), request, bytesPerSecond, () => lost);
    } finally {
      this.#senders.delete(request);
      place.release();
    }
  }

  /**
   * Finds a complete upload, and the path of its file.
   *
   * @throws {NotFoundException} if the session has no complete upload.
   */
  async find(id: string): Promise<StoredUpload & { path: string }> {
    const stored = (await this.news.find(id))?.stored;
    if (stored === undefined) throw new NotFoundException('There is no such upload.');
    return { ...stored, path: this.files.file(stored.file) };
  }

  /** Streams the progress of an upload to a viewer, after the event `after` if the viewer has seen that. */
  async *watch(
    id: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<ViewerEvent, void, undefined> {
    const again = () => void this.#lookAfter(id).catch(() => undefined);
    const look = setInterval(again, this.pace.ms(LOOK_MS));
    try {
      yield* this.news.watch(id, after, signal);
    } finally {
      clearInterval(look);
    }
  }

  /** Ends an upload that has a viewer, if the process that should have published its end has died. */
  async #lookAfter(id: string): Promise<void> {
    if (!(await this.news.isOpen(id))) return;
    const place = await this.work.begin(workOn(id), () => undefined);
    // Another process works on it.
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
    bytesPerSecond: number,
    isLost: () => boolean,
  ): Promise<UploadResult> {
    const { id } = session;
    const file = this.files.newName();
    const startedAt = performance.now();
    /** Waits until this many bytes may have arrived. */
    const slowDown = async (received: number): Promise<void> => {
      const aheadMs = this.pace.ms((received / bytesPerSecond) * 1000) - (performance.now() - startedAt);
      if (aheadMs > 1) await new Promise((resolve) => setTimeout(resolve, aheadMs));
    };
    try {
      const file_size = await receiveFile(request, {
        path: this.files.file(file),
        maxBytes: this.maxBytes,
        onName: (filename) => session.named(filename),
        onBytes: async (received) => {
          await slowDown(received);
          await this.#advance(session, received, request);
        },
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
      // The record of the session belongs to the other process.
      if (isLost()) throw error;
      // If even this fails, the sender must still receive the first error.
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

/** The work that only one process at a time may do: receive the file of a session. */
function workOn(id: string): string {
  return `rat-engine/upload/${id}`;
}
