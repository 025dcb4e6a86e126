import { createReadStream } from 'node:fs';
import { Controller, Get, Param, Post, Query, Req, StreamableFile, UseFilters } from '@nestjs/common';
import { LastEventId, Sse, SseDefaults, SseSignal } from 'nestjs-event-stream';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { paced } from '../pace.js';
import { nodeRequest, type FrameworkRequest } from './node-request.js';
import { ratError, ratHeartbeat } from './rat-events.js';
import { SessionIdPipe } from './session-id.pipe.js';
import { uploadEvents } from './upload-events.js';
import type { UploadResult } from './upload-session.js';
import { Uploads } from './uploads.service.js';
import { WholeNumberPipe } from './whole-number.pipe.js';

/** The upload of a file, its progress for any number of viewers, and the download. */
@SseDefaults({ errors: { map: ratError } })
@Controller('api')
export class UploadsController {
  constructor(private readonly uploads: Uploads) {}

  @Sse('progress/:sessionId', {
    events: uploadEvents,
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
  ) {
    return this.uploads.watch(sessionId, lastEventId, signal);
  }

  @Post('upload/:sessionId')
  @UseFilters(SseErrorFilter)
  upload(
    @Param('sessionId', SessionIdPipe) sessionId: string,
    @Req() request: FrameworkRequest,
    @Query('bytesPerSecond', new WholeNumberPipe({ min: 1000, max: 1_000_000_000, fallback: Infinity }))
    bytesPerSecond: number,
  ): Promise<UploadResult> {
    return this.uploads.receive(sessionId, nodeRequest(request), bytesPerSecond);
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
