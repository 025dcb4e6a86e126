import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { SseErrorFilter, SseModule } from 'nestjs-event-stream';
import { NotificationsController } from './notifications.controller.js';
import { SessionController } from './session.controller.js';
import { Sessions } from './sessions.js';

@Module({
  imports: [SseModule.forRoot()],
  controllers: [SessionController, NotificationsController],
  providers: [Sessions, { provide: APP_FILTER, useClass: SseErrorFilter }],
})
export class AppModule {}
