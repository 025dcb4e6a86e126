import { Module } from '@nestjs/common';
import { Pace } from '../pace.js';
import { StateModule } from '../state/state.module.js';
import { ControlsController } from './controls.controller.js';
import { EndingsController } from './endings.controller.js';
import { LiveController } from './live.controller.js';
import { LoadController } from './load.controller.js';
import { Load } from './load.service.js';
import { Pulse } from './pulse.service.js';
import { ReaderControl } from './reader-control.service.js';
import { RequestCount } from './request-count.guard.js';
import { Restart } from './restart.service.js';
import { ServerMeter } from './server-meter.js';

/** The live channel of the page, and the buttons that disturb its streams. */
@Module({
  imports: [StateModule],
  controllers: [LiveController, ControlsController, LoadController, EndingsController],
  providers: [Pace, ServerMeter, Pulse, Load, ReaderControl, RequestCount, Restart],
})
export class LiveModule {}
