import { Module } from '@nestjs/common';
import { SseInspectorModule } from 'nestjs-event-stream/inspector';
import { NODE_NAME } from '../live/node-name.js';
import { readerOf } from '../live/reader.js';
import { ConnectionsController } from './connections.controller.js';
import { InspectorGuard } from './inspector.guard.js';

/** The inspector for the person who runs the demo, and a list of open connections for administrators who have its token. */
@Module({
  imports: [
    SseInspectorModule.forRoot({
      path: 'inspector',
      guards: [InspectorGuard],
      node: NODE_NAME,
      user: pageOf,
    }),
  ],
  controllers: [ConnectionsController],
})
export class AdminModule {}

/** The demo has no users. Its pages have names, so all streams of one page can be closed. */
function pageOf(request: object): string | undefined {
  const reader = readerOf(request);
  return reader === undefined ? undefined : `page ${reader}`;
}
