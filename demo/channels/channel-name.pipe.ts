import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';

/** The name of a channel that anybody may publish to: not those in which runs keep what they write. */
@Injectable()
export class ChannelNamePipe implements PipeTransform<string, string> {
  transform(name: string): string {
    if (!/^run(-events)?:/.test(name)) return name;
    throw new BadRequestException('Channels whose names begin with "run:" or "run-events:" belong to runs.');
  }
}
