import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  BadRequestException,
  HttpException,
  PayloadTooLargeException,
  UnsupportedMediaTypeException,
} from '@nestjs/common';
import busboy from 'busboy';

const MAX_NAME_LENGTH = 255;

/** Where a file goes, and who is told of it on the way. */
export interface FileTarget {
  readonly path: string;
  /** A longer file is refused. */
  readonly maxBytes: number;
  /** Called once, with the name that the client gave it: any text, never to be used as a path. */
  onName(filename: string): void;
  /** Called with the bytes so far, chunk by chunk; the next chunk waits for it. */
  onBytes(received: number): Promise<void>;
}

/** The client went before it had sent everything. */
export class UploadAborted extends BadRequestException {
  constructor() {
    super('The upload was broken off by its client.');
  }
}

/**
 * Streams the one file of a multipart request to disk, and resolves with its length. Leaves no file behind when it
 * fails, and the connection as it is, for the answer.
 *
 * @throws {UnsupportedMediaTypeException} if the request is not multipart.
 * @throws {BadRequestException} for a malformed body, one without a file or with several, and a client that left.
 * @throws {PayloadTooLargeException} for a file beyond `maxBytes`.
 */
export async function receiveFile(request: IncomingMessage, target: FileTarget): Promise<number> {
  const parser = parserOf(request, target.maxBytes);
  let writing: Promise<number> | undefined;
  try {
    return await new Promise<number>((resolve, reject) => {
      parser.on('file', (_field, file, { filename }) => {
        target.onName(shownName(filename));
        writing = write(file, target);
        writing.catch(reject);
      });
      parser.once('filesLimit', () => reject(new BadRequestException('Send one file at a time.')));
      parser.on('error', (error) => reject(malformed(error)));
      parser.once('close', () => {
        if (writing) writing.then(resolve, reject);
        else reject(new BadRequestException('There is no file in this upload.'));
      });
      request.once('close', () => {
        if (!request.complete) reject(new UploadAborted());
      });
      request.on('error', () => reject(new UploadAborted()));
      request.pipe(parser);
    });
  } catch (error) {
    // What still comes is read and dropped, so that the client gets to the answer.
    request.unpipe(parser);
    request.resume();
    parser.destroy();
    await writing?.catch(() => undefined);
    await rm(target.path, { force: true });
    throw error;
  }
}

/** A name that can be shown and sent: not too long, and whole characters only, whatever it was decoded from. */
function shownName(filename: string | undefined): string {
  const characters = [...Buffer.from(filename ?? '').toString()];
  return characters.slice(0, MAX_NAME_LENGTH).join('') || 'unnamed';
}

function parserOf(request: IncomingMessage, maxBytes: number): busboy.Busboy {
  const { headers } = request;
  if (!/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) {
    throw new UnsupportedMediaTypeException('An upload is a multipart/form-data request with one file.');
  }
  try {
    // One byte more, as busboy calls a file that just fits too long.
    const limits = { files: 1, fileSize: maxBytes + 1, fields: 20, fieldSize: 65_536 };
    return busboy({ headers, limits, defParamCharset: 'utf8' });
  } catch (error) {
    throw malformed(error);
  }
}

async function write(file: Readable, { path, maxBytes, onBytes }: FileTarget): Promise<number> {
  let received = 0;
  const count = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    for await (const chunk of source) {
      received += chunk.length;
      if (received > maxBytes) throw new PayloadTooLargeException(`A file may have ${maxBytes} bytes.`);
      yield chunk;
      await onBytes(received);
    }
  };
  try {
    await pipeline(file, count, createWriteStream(path, { flags: 'wx' }));
  } catch (error) {
    throw error instanceof HttpException || isFileError(error) ? error : malformed(error);
  }
  return received;
}

function isFileError(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).syscall !== undefined;
}

function malformed(error: unknown): BadRequestException {
  return new BadRequestException(`The multipart body is malformed: ${(error as Error).message}.`);
}
