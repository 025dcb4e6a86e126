import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BadRequestException, ConflictException, Injectable } from '@nestjs/common';
import { Channels, event } from 'nestjs-event-stream';

@Injectable()
export class Uploads {
  constructor(private readonly channels: Channels) {}

  /** The events of an upload from its first one on, also before it begins. */
  progress(id: string, after?: string) {
    const isLast = ({ type }: { type?: string }) => type === 'done' || type === 'failed';
    return this.channels.channel(`upload:${id}`).subscribe({ after, from: 'oldest', until: isLast });
  }

  /** Writes the body to a file, and publishes each further percent. */
  async store(id: string, body: Readable, length: number): Promise<{ bytes: number }> {
    const channel = this.channels.channel(`upload:${id}`);
    const path = join(process.env.UPLOADS ?? '.', id);
    const file = await create(path);
    let bytes = 0;
    try {
      await pipeline(
        body,
        async function* (chunks: AsyncIterable<Buffer>) {
          let published = 0;
          for await (const chunk of chunks) {
            yield chunk;
            bytes += chunk.length;
            const percent = Math.floor((bytes / length) * 100);
            if (percent > published) await channel.publish(event({ type: 'progress', data: { percent } }));
            published = percent;
          }
        },
        file.createWriteStream(),
      );
    } catch (cause) {
      await rm(path);
      await channel.publish(event({ type: 'failed', data: {} }));
      throw body.errored ? new BadRequestException('The upload is not complete.', { cause }) : cause;
    }
    await channel.publish(event({ type: 'done', data: { bytes } }));
    return { bytes };
  }
}

/** Creates a file. Two uploads cannot have the same id. */
async function create(path: string) {
  try {
    return await open(path, 'wx');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new ConflictException('There is an upload with this id.');
  }
}
