import { BadRequestException, Injectable } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';

const SESSION_ID = /^[\w-]{1,64}$/;

/** The id of an upload session: letters, digits, `_` and `-`, so that it can spell no path and no header. */
@Injectable()
export class SessionIdPipe implements PipeTransform<string, string> {
  /** @throws {BadRequestException} for anything else. */
  transform(value: string): string {
    if (SESSION_ID.test(value)) return value;
    throw new BadRequestException('A session id is 1 to 64 letters, digits, "_" and "-".');
  }
}
