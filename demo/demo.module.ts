import { Module } from '@nestjs/common';
import { SseModule, type SlotStore } from 'nestjs-event-stream';
import { AdminModule } from './admin/admin.module.js';
import { BoardGameModule } from './board-game/board-game.module.js';
import { ChannelsModule } from './channels/channels.module.js';
import { logFromEnvironment } from './log.js';
import { LiveModule } from './live/live.module.js';
import { PagesModule } from './pages/pages.module.js';
import { PrCoreModule } from './prcore/prcore.module.js';
import { RatEngineModule } from './rat-engine/rat-engine.module.js';
import { RunsModule } from './runs/runs.module.js';
import { StateModule } from './state/state.module.js';
import { SHARED_SLOTS } from './state/work.js';
import { TimeplusModule } from './timeplus/timeplus.module.js';
import { TokenChatModule } from './token-chat/token-chat.module.js';
import { TrpcCppModule } from './trpc-cpp/trpc-cpp.module.js';

/**
 * Six systems that stream in six ways, next to ordinary routes, in one application. Channels and runs are available
 * as well.
 */
@Module({
  imports: [
    SseModule.forRootAsync({
      imports: [StateModule],
      inject: [SHARED_SLOTS],
      useFactory: async (slots: SlotStore | undefined) => ({ log: await logFromEnvironment(), slots }),
    }),
    PagesModule,
    LiveModule,
    RatEngineModule,
    PrCoreModule,
    TimeplusModule,
    BoardGameModule,
    TrpcCppModule,
    TokenChatModule,
    ChannelsModule,
    RunsModule,
    AdminModule,
  ],
})
export class DemoModule {}
