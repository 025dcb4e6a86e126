import { InjectQueue } from '@nestjs/bullmq';
import { Body, Controller, NotFoundException, Param, Post } from '@nestjs/common';
import type { Queue } from 'bullmq';
import { event, LastEventId, Sse } from 'nestjs-event-stream';
import { ImportsEvents } from './imports.events.js';

@Controller('imports')
export class ImportsController {
  constructor(
    @InjectQueue('imports') private readonly queue: Queue,
    private readonly events: ImportsEvents,
  ) {}

  @Post()
  async start(@Body('rows') rows: number[]) {
    const { id } = await this.queue.add('import', { rows });
    return { id };
  }

  @Sse(':id')
  async follow(@Param('id') id: string, @LastEventId() after?: string) {
    const state = await this.queue.getJobState(id);
    if (state === 'unknown') throw new NotFoundException('There is no such import.');
    // A job that has ended may have ended before this process started.
    if (state === 'completed')
      return [event({ type: 'done', data: (await this.queue.getJob(id))?.returnvalue })];
    if (state === 'failed') return [event({ type: 'failed', data: {} })];
    return this.events.follow(id, after);
  }
}
