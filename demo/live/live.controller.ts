import { BadRequestException, Body, Controller, Post, UseFilters, UseGuards } from '@nestjs/common';
import { LastEventId, Sse, SseSignal } from 'nestjs-event-stream';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { sharedUrl } from '../state/shared-url.js';
import { liveEvents } from './live-events.js';
import { NODE_NAME } from './node-name.js';
import { Pulse } from './pulse.service.js';
import { SamePageGuard } from './same-page.guard.js';

const MAX_NOTICE_LENGTH = 200;

/** One channel that all open pages follow, and that any of them can publish to. */
@Controller('live')
export class LiveController {
  constructor(private readonly pulse: Pulse) {}

  @Sse('stream', { events: liveEvents })
  async *stream(@LastEventId() after: string | undefined, @SseSignal() signal: AbortSignal) {
    yield liveEvents.node({ name: NODE_NAME, storage: sharedUrl()?.kind ?? 'memory' });
    yield* this.pulse.follow(after, signal);
  }

  @Post('notices')
  @UseGuards(SamePageGuard)
  @UseFilters(SseErrorFilter)
  async publish(@Body() body: { text?: unknown } | undefined): Promise<{ id: string }> {
    const text = body?.text;
    if (typeof text !== 'string' || text.trim() === '' || text.length > MAX_NOTICE_LENGTH) {
      throw new BadRequestException(`"text" must be 1 to ${MAX_NOTICE_LENGTH} characters.`);
    }
    return { id: await this.pulse.channel.publish(liveEvents.notice({ text })) };
  }
}
