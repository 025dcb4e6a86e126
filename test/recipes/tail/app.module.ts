import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { LogController } from './log.controller.js';

@Module({ imports: [SseModule.forRoot()], controllers: [LogController] })
export class AppModule {}
