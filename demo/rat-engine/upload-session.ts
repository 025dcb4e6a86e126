/** The events for a viewer of an upload, in their possible order. */
export type UploadEvent =
  | { type: 'init'; session_id: string; filename: string | null; progress: number; completed: boolean }
  | { type: 'progress'; session_id: string; progress: number }
  | ({ type: 'completed'; progress: 100 } & UploadResult)
  | { type: 'error'; message: string };

/** The result of an upload. */
export interface UploadResult {
  readonly session_id: string;
  readonly filename: string;
  readonly file_size: number;
  readonly download_url: string;
}

/** A complete upload, and the name of its file in the folder of the demo. */
export interface StoredUpload extends UploadResult {
  readonly file: string;
}

/** The record of an upload that all processes share. The record of a failed upload is deleted. */
export interface UploadRecord {
  readonly filename: string | null;
  readonly progress: number;
  /** The file, once it is complete. */
  readonly stored?: StoredUpload;
  /** Id of the last event, once it was published. */
  readonly lastEventId?: string;
}

/** The state of an upload in the process that receives it. */
export class UploadSession {
  #record: UploadRecord = { filename: null, progress: 0 };

  constructor(readonly id: string) {}

  get record(): UploadRecord {
    return this.#record;
  }

  /** Stores the file name that the client sent. */
  named(filename: string): void {
    this.#record = { ...this.#record, filename };
  }

  /** Stores the progress. Returns the event to publish, or `undefined` if the progress is unchanged. */
  advance(progress: number): UploadEvent | undefined {
    if (progress === this.#record.progress) return undefined;
    this.#record = { ...this.#record, progress };
    return { type: 'progress', session_id: this.id, progress };
  }

  /** Stores that the file is complete. */
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

  /** Stores the id of the last event. */
  told(lastEventId: string): void {
    this.#record = { ...this.#record, lastEventId };
  }
}

/** The state of an upload, for a new viewer. */
export function initEvent(id: string, record: UploadRecord | undefined): UploadEvent {
  const { filename = null, progress = 0, stored } = record ?? {};
  return { type: 'init', session_id: id, filename, progress, completed: stored !== undefined };
}

/** The part of a complete upload that clients receive. */
export function uploadResult({ session_id, filename, file_size, download_url }: UploadResult): UploadResult {
  return { session_id, filename, file_size, download_url };
}

/** The last event of a complete upload. */
export function completedEvent(upload: UploadResult): UploadEvent {
  return { type: 'completed', ...uploadResult(upload), progress: 100 };
}
