import { BadRequestException, Injectable } from '@nestjs/common';
import type { PipeTransform } from '@nestjs/common';

const SESSION_ID = /^[\w-]{1,64}$/;

/** Accepts the id of an upload session. It has only letters, digits, `_` and `-`, so it is safe in paths and headers. */
@Injectable()
export class SessionIdPipe implements PipeTransform<string, string> {
  /** @throws {BadRequestException} for any other value. */
  transform(value: string): string {
    if (SESSION_ID.test(value)) return value;
    throw new BadRequestException('A session id must have 1 to 64 letters, digits, "_" and "-".');
  }
}
