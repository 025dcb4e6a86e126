import { BullModule } from '@nestjs/bullmq';
import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { ImportsController } from './imports.controller.js';
import { ImportsEvents } from './imports.events.js';
import { ImportsProcessor } from './imports.processor.js';

@Module({
  imports: [
    SseModule.forRoot(),
    BullModule.forRootAsync({
      useFactory: () => ({
        connection: { url: process.env.REDIS_URL ?? 'redis://127.0.0.1:6379' },
        prefix: process.env.QUEUE_PREFIX ?? 'shop',
      }),
    }),
    BullModule.registerQueue({ name: 'imports' }),
  ],
  controllers: [ImportsController],
  providers: [ImportsEvents, ImportsProcessor],
})
export class AppModule {}
