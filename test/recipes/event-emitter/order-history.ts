import { Injectable } from '@nestjs/common';
import { OnEvent } from '@nestjs/event-emitter';
import { Channels, event } from 'nestjs-event-stream';
import type { OrderEvent } from './orders.service.js';

/** Publishes the events of each order on a channel, so that clients can resume. */
@Injectable()
export class OrderHistory {
  constructor(private readonly channels: Channels) {}

  @OnEvent('order.*')
  async publish({ order, status }: OrderEvent) {
    await this.channels.channel(`order:${order}`).publish(event({ type: status, data: { order } }));
  }

  follow(order: string, after?: string) {
    return this.channels.channel(`order:${order}`).subscribe({
      after,
      from: 'oldest',
      until: ({ type }) => type === 'delivered',
    });
  }
}
