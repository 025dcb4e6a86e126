import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { ChatController } from './chat.controller.js';
import { Model } from './model.js';

@Module({ imports: [SseModule.forRoot()], controllers: [ChatController], providers: [Model] })
export class AppModule {}
