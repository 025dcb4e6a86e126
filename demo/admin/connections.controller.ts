import { Controller, Delete, Get, HttpCode, NotFoundException, Param, UseGuards } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { AdminGuard } from './admin.guard.js';

/** An open stream, as an administrator sees it. */
export interface ConnectionView {
  id: string;
  route: string;
  ip: string | undefined;
  openedAt: string;
  events: number;
  bytes: number;
  /** Bytes that are queued for the client. */
  queued: number;
}

/** Lists the open streams of the demo, and closes one. */
@Controller('admin/connections')
@UseGuards(AdminGuard)
export class ConnectionsController {
  constructor(private readonly connections: SseConnections) {}

  @Get()
  list(): ConnectionView[] {
    return this.connections.list().map(({ id, route, ip, openedAt, events, bytes, queuedBytes: queued }) => ({
      id,
      route,
      ip,
      openedAt: openedAt.toISOString(),
      events,
      bytes,
      queued,
    }));
  }

  @Delete(':id')
  @HttpCode(204)
  close(@Param('id') id: string): void {
    if (!this.connections.close(id)) throw new NotFoundException(`There is no open connection "${id}".`);
  }
}
