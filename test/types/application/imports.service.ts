import { Injectable } from '@nestjs/common';
import { Channels } from 'nestjs-event-stream';
import { importEvents } from './import-events.js';

@Injectable()
export class ImportsService {
  constructor(private readonly channels: Channels) {}

  /** The publisher: does the work, and reports it to everybody who watches. */
  async run(id: string) {
    for (let percent = 25; percent < 100; percent += 25) {
      await this.channel(id).publish(importEvents.progress({ percent }));
    }
    await this.channel(id).publish(importEvents.done({ url: `/files/${id}` }));
  }

  channel(id: string) {
    return this.channels.channel(`import:${id}`, importEvents);
  }
}
