import { open, stat } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';

export interface Line {
  /** The position behind this line: the inode of the file, and an offset in bytes. */
  readonly id: string;
  readonly text: string;
}

const CHUNK_BYTES = 65_536;
const POLL_MS = 200;
const NEWLINE = 0x0a;

/**
 * Yields the lines that are appended to a file, from the position `after` on, or from now on. Waits for a file that does
 * not exist. Begins with the first line of a file that was replaced or truncated.
 */
export async function* tailLines(path: string, signal: AbortSignal, after?: string): AsyncGenerator<Line> {
  let [inode, offset] = position(after) ?? (await end(path));
  let rest = Buffer.alloc(0);
  while (!signal.aborted) {
    const file = await openFile(path);
    try {
      const found = await file?.stat({ bigint: true });
      if (found && (found.ino !== inode || found.size < offset)) {
        [inode, offset, rest] = [found.ino, 0n, Buffer.alloc(0)];
      }
      const { bytesRead = 0, buffer } =
        (await file?.read(Buffer.alloc(CHUNK_BYTES), 0, CHUNK_BYTES, Number(offset) + rest.length)) ?? {};
      if (bytesRead > 0 && buffer) {
        rest = Buffer.concat([rest, buffer.subarray(0, bytesRead)]);
        for (let at = rest.indexOf(NEWLINE); at >= 0; at = rest.indexOf(NEWLINE)) {
          const text = rest.toString('utf8', 0, at);
          rest = rest.subarray(at + 1);
          offset += BigInt(at + 1);
          yield { id: `${inode}-${offset}`, text };
        }
        continue;
      }
    } finally {
      await file?.close();
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

function position(id = ''): [bigint, bigint] | undefined {
  const match = /^(\d{1,20})-(\d{1,15})$/.exec(id);
  return match ? [BigInt(match[1] ?? 0), BigInt(match[2] ?? 0)] : undefined;
}

async function end(path: string): Promise<[bigint, bigint]> {
  try {
    const { ino, size } = await stat(path, { bigint: true });
    return [ino, size];
  } catch (error) {
    if (isMissing(error)) return [0n, 0n];
    throw error;
  }
}

async function openFile(path: string) {
  try {
    return await open(path);
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
