import { Module } from '@nestjs/common';
import { EventEmitterModule } from '@nestjs/event-emitter';
import { SseModule } from 'nestjs-event-stream';
import { OrderHistory } from './order-history.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [SseModule.forRoot(), EventEmitterModule.forRoot({ wildcard: true })],
  controllers: [OrdersController],
  providers: [OrderHistory, OrdersService],
})
export class AppModule {}
