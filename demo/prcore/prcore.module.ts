import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { StateModule } from '../state/state.module.js';
import { readEventLog } from './event-log.js';
import { Prescriber } from './prescriber.js';
import { ProjectStore } from './project-store.service.js';
import { ProjectsController } from './projects.controller.js';
import { Projects } from './projects.service.js';
import { ResultReader } from './result-reader.service.js';
import { ResultStreamController } from './result-stream.controller.js';
import { Simulator } from './simulator.service.js';

/** Process mining: prescriptions for running cases, computed from a log and streamed to one reader per project. */
@Module({
  imports: [StateModule],
  controllers: [ProjectsController, ResultStreamController],
  providers: [
    Pace,
    ProjectStore,
    Projects,
    Simulator,
    ResultReader,
    { provide: Prescriber, useFactory: async () => new Prescriber(await readEventLog()) },
  ],
})
export class PrCoreModule {}
