import { Controller } from '@nestjs/common';
import { Sse, SseSignal } from 'nestjs-event-stream';
import { loadEvents } from './load-events.js';
import { Load } from './load.service.js';

/** A fast channel with large events: every reader gets the same ones, each at its own pace. */
@Controller('live')
export class LoadController {
  constructor(private readonly load: Load) {}

  @Sse('load', { events: loadEvents, limit: { key: 'process', max: 50 } })
  read(@SseSignal() signal: AbortSignal) {
    return this.load.follow(signal);
  }
}
