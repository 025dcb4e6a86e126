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

/** An upload that is complete: what it is, and the name of its file among those of the demo. */
export interface StoredUpload extends UploadResult {
  readonly file: string;
}

/** What all processes know of an upload that has begun. One that failed is forgotten. */
export interface UploadRecord {
  readonly filename: string | null;
  readonly progress: number;
  /** The file, once it is all there. */
  readonly stored?: StoredUpload;
  /** Id of the last event of an upload that is complete. */
  readonly lastEventId?: string;
}

/** What is known of an upload by the process that receives it. */
export class UploadSession {
  #record: UploadRecord = { filename: null, progress: 0 };

  constructor(readonly id: string) {}

  get record(): UploadRecord {
    return this.#record;
  }

  /** The name that the client gave its file. */
  named(filename: string): void {
    this.#record = { ...this.#record, filename };
  }

  /** Takes note of how far it got; `undefined` if that is no news. */
  advance(progress: number): UploadEvent | undefined {
    if (progress === this.#record.progress) return undefined;
    this.#record = { ...this.#record, progress };
    return { type: 'progress', session_id: this.id, progress };
  }

  /** Takes note of the whole file. */
  complete(file: string, file_size: number): StoredUpload {
    const filename = this.#record.filename ?? '';
    const stored = {
      session_id: this.id,
      filename,
      file_size,
      download_url: `/api/download/${this.id}`,
      file,
    };
    this.#record = { filename, progress: 100, stored };
    return stored;
  }

  /** Takes note of the last event that there is of it. */
  told(lastEventId: string): void {
    this.#record = { ...this.#record, lastEventId };
  }
}

/** How an upload stands, for a viewer who comes now. */
export function initEvent(id: string, record: UploadRecord | undefined): UploadEvent {
  const { filename = null, progress = 0, stored } = record ?? {};
  return { type: 'init', session_id: id, filename, progress, completed: stored !== undefined };
}

/** What clients may know of a complete upload. */
export function uploadResult({ session_id, filename, file_size, download_url }: UploadResult): UploadResult {
  return { session_id, filename, file_size, download_url };
}

/** The last event of an upload that is complete. */
export function completedEvent(upload: UploadResult): UploadEvent {
  return { type: 'completed', ...uploadResult(upload), progress: 100 };
}
