import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { UploadsController } from './uploads.controller.js';
import { Uploads } from './uploads.js';

@Module({ imports: [SseModule.forRoot()], controllers: [UploadsController], providers: [Uploads] })
export class AppModule {}
