import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SseErrorFilter, SseModule } from 'nestjs-event-stream';
import { FeedController } from './feed.controller.js';

@Module({
  imports: [SseModule.forRoot()],
  controllers: [FeedController],
  providers: [{ provide: APP_FILTER, useClass: SseErrorFilter }],
})
export class AppModule {}
