import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { BoardGameModule } from './board-game/board-game.module.js';
import { PagesModule } from './pages/pages.module.js';
import { PrCoreModule } from './prcore/prcore.module.js';
import { RatEngineModule } from './rat-engine/rat-engine.module.js';
import { TimeplusModule } from './timeplus/timeplus.module.js';
import { TrpcCppModule } from './trpc-cpp/trpc-cpp.module.js';

/** Five systems that stream in five ways, beside ordinary routes, in one application. */
@Module({
  imports: [
    SseModule.forRoot(),
    PagesModule,
    RatEngineModule,
    PrCoreModule,
    TimeplusModule,
    BoardGameModule,
    TrpcCppModule,
  ],
})
export class DemoModule {}
