import { Body, Controller, Param, Post, UseFilters } from '@nestjs/common';
import { Channels, LastEventId, Sse, type ChannelSubscription } from 'nestjs-event-stream';
import { ChannelNamePipe } from './channel-name.pipe.js';
import { readPublication } from './publication.body.js';
import { SseErrorFilter } from './sse-error.filter.js';

/** Channels for all clients: an event that a client publishes to a name reaches every client that follows this name. */
@Controller('channels')
export class ChannelsController {
  constructor(private readonly channels: Channels) {}

  @Sse(':name', { lastEventIdQuery: true })
  follow(
    @Param('name', ChannelNamePipe) name: string,
    @LastEventId() after: string | undefined,
  ): ChannelSubscription {
    return this.channels.channel(name).subscribe({ after });
  }

  @Post(':name')
  @UseFilters(SseErrorFilter)
  async publish(
    @Param('name', ChannelNamePipe) name: string,
    @Body() body: unknown,
  ): Promise<{ ids: string[] }> {
    return { ids: await this.channels.channel(name).publish(readPublication(body)) };
  }
}
