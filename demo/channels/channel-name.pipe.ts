import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** Where runs keep what they write, and the systems of the demo what they tell their viewers. */
const RESERVED = ['run:', 'run-events:', 'board-game/', 'prcore/', 'rat-engine/'];

/** The name of a channel that anybody may publish to and follow: those of others are not for everybody. */
@Injectable()
export class ChannelNamePipe implements PipeTransform<string, string> {
  transform(name: string): string {
    if (!RESERVED.some((beginning) => name.startsWith(beginning))) return name;
    const list = RESERVED.map((beginning) => `"${beginning}"`).join(', ');
    throw new BadRequestException(`Channels whose names begin with ${list} belong to others.`);
  }
}
