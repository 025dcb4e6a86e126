import { Injectable } from '@nestjs/common';
import { Channels, event } from 'nestjs-event-stream';

/** Used by the stream, the GraphQL resolver and the WebSocket gateway. */
@Injectable()
export class Board {
  private readonly texts: string[] = [];

  constructor(private readonly channels: Channels) {}

  list(): string[] {
    return this.texts;
  }

  async add(text: string): Promise<string> {
    this.texts.push(text);
    return this.channels.channel('board').publish(event({ type: 'note', data: { text } }));
  }

  follow(after?: string) {
    return this.channels.channel('board').subscribe({ after });
  }
}
