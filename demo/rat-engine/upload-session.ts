import { ConflictException } from '@nestjs/common';

/** What a viewer of an upload is told, in the order in which it can be. */
export type UploadEvent =
  | { type: 'init'; session_id: string; filename: string | null; progress: number; completed: boolean }
  | { type: 'progress'; session_id: string; progress: number }
  | ({ type: 'completed'; progress: 100 } & UploadResult)
  | { type: 'error'; message: string };

/** What became of an upload. */
export interface UploadResult {
  readonly session_id: string;
  readonly filename: string;
  readonly file_size: number;
  readonly download_url: string;
}

/** An upload that is complete: what it is, and where. */
export interface StoredUpload extends UploadResult {
  readonly path: string;
}

/** What is known of one upload, from before its first byte on. */
export class UploadSession {
  #state: 'waiting' | 'receiving' | 'stored' = 'waiting';
  #filename: string | null = null;
  #progress = 0;
  #stored: StoredUpload | undefined;
  /** Id of the last event that was published of it. */
  lastEventId: string | undefined;
  /** Those who watch it now. */
  viewers = 0;

  constructor(readonly id: string) {}

  /** The file, once it is all there. */
  get stored(): StoredUpload | undefined {
    return this.#stored;
  }

  /** Whether nothing would be lost with it. */
  get idle(): boolean {
    return this.#state !== 'receiving' && this.viewers === 0;
  }

  /** @throws {ConflictException} if a file is on its way, or there already. */
  begin(): void {
    if (this.#state === 'receiving') throw new ConflictException('A file is being uploaded in this session.');
    if (this.#state === 'stored') throw new ConflictException('This session has its file already.');
    this.#state = 'receiving';
  }

  /** The name that the client gave its file. */
  named(filename: string): void {
    this.#filename = filename;
  }

  /** Takes note of how far it got; `undefined` if that is no news. */
  advance(progress: number): UploadEvent | undefined {
    if (progress === this.#progress) return undefined;
    this.#progress = progress;
    return { type: 'progress', session_id: this.id, progress };
  }

  /** Takes note of the whole file. */
  complete(path: string, file_size: number): StoredUpload {
    const filename = this.#filename ?? '';
    this.#state = 'stored';
    this.#progress = 100;
    this.#stored = {
      session_id: this.id,
      filename,
      file_size,
      download_url: `/api/download/${this.id}`,
      path,
    };
    return this.#stored;
  }

  /** Forgets a file that did not arrive: the session may be tried again. */
  fail(message: string): UploadEvent {
    this.#state = 'waiting';
    this.#progress = 0;
    this.#filename = null;
    this.#stored = undefined;
    return { type: 'error', message };
  }

  /** How it stands, for a viewer who comes now. */
  get init(): UploadEvent {
    return {
      type: 'init',
      session_id: this.id,
      filename: this.#filename,
      progress: this.#progress,
      completed: this.#stored !== undefined,
    };
  }
}

/** What clients may know of a complete upload. */
export function uploadResult({ session_id, filename, file_size, download_url }: UploadResult): UploadResult {
  return { session_id, filename, file_size, download_url };
}

/** The last event of an upload that is complete. */
export function completedEvent(upload: UploadResult): UploadEvent {
  return { type: 'completed', ...uploadResult(upload), progress: 100 };
}
