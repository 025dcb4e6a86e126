import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { HttpException, Inject, Injectable, NotFoundException } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationShutdown } from '@nestjs/common';
import type { SseEvent } from 'nestjs-event-stream';
import { receiveFile } from './receive-file.js';
import { TemporaryDirectory } from './temporary-directory.js';
import { UploadNews } from './upload-news.service.js';
import { UploadSession, completedEvent, uploadResult } from './upload-session.js';
import type { StoredUpload, UploadResult } from './upload-session.js';

/** Injection token of the greatest length of an uploaded file, in bytes. */
export const UPLOAD_MAX_BYTES = Symbol('rat-engine:upload-max-bytes');

/** As many sessions are remembered; beyond that the oldest that nobody uses is forgotten, its file too. */
const MAX_SESSIONS = 1000;
/** A file shows as complete when it is, not when its last byte has come. */
const ALMOST_DONE = 99.9;

/** Uploads in progress and done, with their files in a directory of the application's own. */
@Injectable()
export class Uploads implements BeforeApplicationShutdown, OnApplicationShutdown {
  readonly #sessions = new Map<string, UploadSession>();
  /** Those that send a file now. */
  readonly #senders = new Set<IncomingMessage>();
  readonly #directory = new TemporaryDirectory('rat-engine-uploads');

  constructor(
    private readonly news: UploadNews,
    @Inject(UPLOAD_MAX_BYTES) private readonly maxBytes: number,
  ) {}

  /** Before the server is closed, which would wait for them. */
  beforeApplicationShutdown(): void {
    for (const request of this.#senders) request.destroy();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#directory.remove();
  }

  /** Where the files are. */
  get directory(): string {
    return this.#directory.path;
  }

  /**
   * Streams the file of a request to disk.
   *
   * @throws {HttpException} 409 if the session has a file or is getting one, and what `receiveFile` throws.
   */
  async receive(id: string, request: IncomingMessage): Promise<UploadResult> {
    const session = this.#session(id);
    session.begin();
    const path = this.#directory.file(randomUUID());
    this.#senders.add(request);
    try {
      const file_size = await receiveFile(request, {
        path,
        maxBytes: this.maxBytes,
        onName: (filename) => session.named(filename),
        onBytes: (received) => this.#advance(session, received, request),
      });
      const stored = session.complete(path, file_size);
      await this.news.publish(session, completedEvent(stored));
      return uploadResult(stored);
    } catch (error) {
      const message = error instanceof HttpException ? error.message : 'The file could not be stored.';
      await this.news.publish(session, session.fail(message));
      throw error;
    } finally {
      this.#senders.delete(request);
    }
  }

  /**
   * A complete upload.
   *
   * @throws {NotFoundException} if there is none.
   */
  find(id: string): StoredUpload {
    const stored = this.#sessions.get(id)?.stored;
    if (stored === undefined) throw new NotFoundException('There is no such upload.');
    return stored;
  }

  /** What becomes of an upload, for a viewer who may know it up to the event `after` already. */
  watch(
    id: string,
    after: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<SseEvent, void, undefined> {
    return this.news.watch(this.#session(id), after, signal);
  }

  async #advance(session: UploadSession, received: number, { headers }: IncomingMessage): Promise<void> {
    const total = Number(headers['content-length']);
    // Without a length there is nothing to tell before the end.
    if (!(total > 0)) return;
    const news = session.advance(Math.min(ALMOST_DONE, Math.round((received / total) * 1000) / 10));
    if (news) await this.news.publish(session, news);
  }

  #session(id: string): UploadSession {
    let session = this.#sessions.get(id);
    if (session === undefined) {
      if (this.#sessions.size >= MAX_SESSIONS) this.#forgetOne();
      session = new UploadSession(id);
      this.#sessions.set(id, session);
    }
    return session;
  }

  #forgetOne(): void {
    for (const [id, session] of this.#sessions) {
      if (!session.idle) continue;
      this.#sessions.delete(id);
      if (session.stored) void rm(session.stored.path, { force: true });
      return;
    }
  }
}
