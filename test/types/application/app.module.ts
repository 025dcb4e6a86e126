import { Module } from '@nestjs/common';
import { SseModule } from 'nestjs-event-stream';
import { ImportsController } from './imports.controller.js';
import { ImportsService } from './imports.service.js';

@Module({
  imports: [SseModule.forRoot()],
  controllers: [ImportsController],
  providers: [ImportsService],
})
export class AppModule {}
