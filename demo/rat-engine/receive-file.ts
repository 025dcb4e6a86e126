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

/** The destination of a file, and callbacks for its progress. */
export interface FileTarget {
  readonly path: string;
  /** A longer file is rejected. */
  readonly maxBytes: number;
  /** Called once with the name that the client sent. It can be any text, so never use it as a path. */
  onName(filename: string): void;
  /** Called after each chunk with the number of bytes so far. The next chunk waits for the promise. */
  onBytes(received: number): Promise<void>;
}

/** The client left before it had sent the whole file. */
export class UploadAborted extends BadRequestException {
  constructor() {
    super('The client interrupted the upload.');
  }
}

/**
 * Streams the only file of a multipart request to disk, and resolves with its length. An incomplete
 * file is deleted.
 *
 * @throws {UnsupportedMediaTypeException} if the request is not multipart.
 * @throws {BadRequestException} for a malformed body or a client that leaves.
 * @throws {PayloadTooLargeException} for a file that is longer than `maxBytes`.
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
        else reject(new BadRequestException('The upload does not contain a file.'));
      });
      request.once('close', () => {
        if (!request.complete) reject(new UploadAborted());
      });
      request.on('error', () => reject(new UploadAborted()));
      request.pipe(parser);
    });
  } catch (error) {
    // Read and drop the rest of the body, so that the client reads the response.
    request.unpipe(parser);
    request.resume();
    parser.destroy();
    await writing?.catch(() => undefined);
    await rm(target.path, { force: true });
    throw error;
  }
}

/** Makes a name safe to show and to send: not too long, and without broken characters. */
function shownName(filename: string | undefined): string {
  const characters = [...Buffer.from(filename ?? '').toString()];
  return characters.slice(0, MAX_NAME_LENGTH).join('') || 'unnamed';
}

function parserOf(request: IncomingMessage, maxBytes: number): busboy.Busboy {
  const { headers } = request;
  if (!/^multipart\/form-data\b/i.test(headers['content-type'] ?? '')) {
    throw new UnsupportedMediaTypeException('Send the file in a multipart/form-data request.');
  }
  try {
    // Add one byte, because busboy rejects a file of exactly this length.
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
      if (received > maxBytes)
        throw new PayloadTooLargeException(`The file is too large: the limit is ${maxBytes} bytes.`);
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
