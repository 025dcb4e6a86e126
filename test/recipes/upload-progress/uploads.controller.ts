import type { IncomingMessage } from 'node:http';
import {
  Controller,
  HttpException,
  Param,
  ParseUUIDPipe,
  PayloadTooLargeException,
  Put,
  Req,
} from '@nestjs/common';
import { LastEventId, Sse } from 'nestjs-event-stream';
import { Uploads } from './uploads.js';

const MAX_BYTES = 1024 ** 3;

@Controller('uploads')
export class UploadsController {
  constructor(private readonly uploads: Uploads) {}

  @Put(':id')
  upload(
    @Param('id', ParseUUIDPipe) id: string,
    @Req() request: IncomingMessage & { raw?: IncomingMessage },
  ) {
    // Fastify wraps the request of Node.
    const body = request.raw ?? request;
    const length = Number(body.headers['content-length'] ?? Number.NaN);
    if (Number.isNaN(length)) throw new HttpException('Send a Content-Length.', 411);
    if (length > MAX_BYTES) throw new PayloadTooLargeException();
    return this.uploads.store(id, body, length);
  }

  @Sse(':id/progress')
  progress(@Param('id', ParseUUIDPipe) id: string, @LastEventId() after?: string) {
    return this.uploads.progress(id, after);
  }
}
