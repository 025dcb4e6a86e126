import { createReadStream } from 'node:fs';
import { Controller, Get, Param, Post, Req, StreamableFile, UseFilters } from '@nestjs/common';
import { LastEventId, Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { paced } from '../pace.js';
import { nodeRequest, type FrameworkRequest } from './node-request.js';
import { ratError, ratHeartbeat } from './rat-events.js';
import { SessionIdPipe } from './session-id.pipe.js';
import type { UploadResult } from './upload-session.js';
import { Uploads } from './uploads.service.js';

/** A file on its way in, what viewers see of that, and the file on its way out. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class UploadsController {
  constructor(private readonly uploads: Uploads) {}

  @Sse('progress/:sessionId', {
    heartbeat: { intervalMs: paced(10_000), data: ratHeartbeat },
    timeout: {
      afterMs: paced(300_000),
      data: { type: 'timeout', message: 'The upload was not complete within five minutes.' },
    },
  })
  progress(
    @Param('sessionId', SessionIdPipe) sessionId: string,
    @LastEventId() lastEventId: string | undefined,
    @SseSignal() signal: AbortSignal,
  ): AsyncGenerator<SseEvent, void, undefined> {
    return this.uploads.watch(sessionId, lastEventId, signal);
  }

  @Post('upload/:sessionId')
  @UseFilters(SseErrorFilter)
  upload(
    @Param('sessionId', SessionIdPipe) sessionId: string,
    @Req() request: FrameworkRequest,
  ): Promise<UploadResult> {
    return this.uploads.receive(sessionId, nodeRequest(request));
  }

  @Get('download/:sessionId')
  async download(@Param('sessionId') sessionId: string): Promise<StreamableFile> {
    const { path, filename, file_size } = await this.uploads.find(sessionId);
    return new StreamableFile(createReadStream(path), {
      length: file_size,
      disposition: `attachment; filename*=UTF-8''${encodeURIComponent(filename)}`,
    });
  }
}
