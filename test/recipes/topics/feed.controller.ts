import { Body, Controller, Param, Post, Query } from '@nestjs/common';
import { Channels, event, LastEventId, Sse } from 'nestjs-event-stream';
import { TopicsPipe } from './topics.pipe.js';

@Controller()
export class FeedController {
  constructor(private readonly channels: Channels) {}

  @Sse('feed', { lastEventIdQuery: true })
  feed(@Query('topics', TopicsPipe) topics: string[], @LastEventId() after?: string) {
    return this.channels.subscribe(
      topics.map((topic) => `topic:${topic}`),
      { after },
    );
  }

  @Post('topics/:topic')
  async publish(@Param('topic', TopicsPipe) [topic]: string[], @Body() data: object = {}) {
    return { id: await this.channels.channel(`topic:${topic}`).publish(event({ type: topic, data })) };
  }
}
