import { Injectable } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';

export interface OrderEvent {
  readonly order: string;
  readonly status: 'paid' | 'shipped' | 'delivered';
}

/** Knows nothing of streams. */
@Injectable()
export class OrdersService {
  constructor(private readonly emitter: EventEmitter2) {}

  change(order: string, status: OrderEvent['status']): void {
    this.emitter.emit(`order.${status}`, { order, status } satisfies OrderEvent);
  }
}
