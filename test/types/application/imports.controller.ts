import { Controller, Param, Post } from '@nestjs/common';
import { Sse } from 'nestjs-event-stream';
import { importEvents } from './import-events.js';
import { ImportsService } from './imports.service.js';

@Controller('imports')
export class ImportsController {
  constructor(private readonly imports: ImportsService) {}

  @Post(':id')
  async start(@Param('id') id: string) {
    await this.imports.run(id);
    return { id };
  }

  /** The handler: an event of its own, and then those of the publisher. */
  @Sse(':id', { events: importEvents })
  async *watch(@Param('id') id: string) {
    yield importEvents.progress({ percent: 0 });
    yield* this.imports.channel(id).subscribe({ from: 'oldest', until: ({ type }) => type === 'done' });
  }
}
