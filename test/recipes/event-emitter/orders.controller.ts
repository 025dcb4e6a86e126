import { Controller, Param, ParseEnumPipe, Post } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { event, LastEventId, Sse } from 'nestjs-event-stream';
import { fromEvent, map } from 'rxjs';
import { OrderHistory } from './order-history.js';
import { OrdersService, type OrderEvent } from './orders.service.js';

const STATUS = { paid: 'paid', shipped: 'shipped', delivered: 'delivered' } as const;

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly emitter: EventEmitter2,
    private readonly history: OrderHistory,
    private readonly orders: OrdersService,
  ) {}

  /** Every order, from now on. A client that reconnects misses the events in between. */
  @Sse('live', { overflow: { policy: 'drop-oldest', report: { event: 'missed' } } })
  live() {
    return fromEvent(this.emitter, 'order.*').pipe(
      map((change) => event({ type: 'order', data: change as OrderEvent })),
    );
  }

  /** One order, from its first event on. A client that reconnects misses nothing. */
  @Sse(':order/events')
  follow(@Param('order') order: string, @LastEventId() after?: string) {
    return this.history.follow(order, after);
  }

  @Post(':order/:status')
  change(
    @Param('order') order: string,
    @Param('status', new ParseEnumPipe(STATUS)) status: OrderEvent['status'],
  ) {
    this.orders.change(order, status);
  }
}
