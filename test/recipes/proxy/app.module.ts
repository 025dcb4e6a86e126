import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { HeadlinesController } from './headlines.controller.js';

@Module({ imports: [SseModule.forRoot()], controllers: [HeadlinesController] })
export class AppModule {}
