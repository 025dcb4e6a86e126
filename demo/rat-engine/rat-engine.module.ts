import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { StateModule } from '../state/state.module.js';
import { DataStreamsController } from './data-streams.controller.js';
import { EventCache } from './event-cache.js';
import { LogFiles } from './log-files.service.js';
import { LogTail } from './log-tail.service.js';
import { LogsController } from './logs.controller.js';
import { StreamsController } from './streams.controller.js';
import { UploadsController } from './uploads.controller.js';
import { UploadFiles } from './upload-files.js';
import { UploadNews } from './upload-news.service.js';
import { UPLOAD_MAX_BYTES, Uploads } from './uploads.service.js';

/** Generators as streams, uploads with live progress, and log files that are followed. */
@Module({
  imports: [StateModule],
  controllers: [StreamsController, DataStreamsController, UploadsController, LogsController],
  providers: [
    Pace,
    EventCache,
    LogFiles,
    LogTail,
    UploadFiles,
    UploadNews,
    Uploads,
    { provide: UPLOAD_MAX_BYTES, useValue: 104_857_600 },
  ],
})
export class RatEngineModule {}
