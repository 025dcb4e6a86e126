import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { readEventLog } from './event-log.js';
import { Prescriber } from './prescriber.js';
import { ProjectsController } from './projects.controller.js';
import { Projects } from './projects.service.js';
import { ResultStreamController } from './result-stream.controller.js';

/** Process mining: prescriptions for running cases, computed from a log and streamed to one reader a project. */
@Module({
  controllers: [ProjectsController, ResultStreamController],
  providers: [
    Pace,
    Projects,
    { provide: Prescriber, useFactory: async () => new Prescriber(await readEventLog()) },
  ],
})
export class PrCoreModule {}
