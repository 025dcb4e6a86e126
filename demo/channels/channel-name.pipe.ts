import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Prefixes of the channels that runs and the systems of the demo use internally. */
const RESERVED = ['run:', 'run-events:', 'board-game/', 'prcore/', 'rat-engine/', 'live/'];

/**
 * Accepts the name of a channel that any client may publish to and follow. It rejects the names of internal channels.
 */
@Injectable()
export class ChannelNamePipe implements PipeTransform<string, string> {
  transform(name: string): string {
    if (!RESERVED.some((beginning) => name.startsWith(beginning))) return name;
    const list = RESERVED.map((beginning) => `"${beginning}"`).join(', ');
    throw new BadRequestException(`Channels whose names begin with ${list} belong to others.`);
  }
}
