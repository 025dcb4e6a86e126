import { Controller, Param } from '@nestjs/common';
import { LastEventId, Sse, SseSignal } from 'nestjs-event-stream';
import { Games } from './games.service.js';
import { statusEvents } from './status-events.js';

/** Milliseconds that a client waits before it reconnects. */
const RETRY_MS = 2000;

/** Streams the table as a player sees it, so that clients need not poll. */
@Controller('stream')
export class StatusStreamController {
  constructor(private readonly games: Games) {}

  @Sse(':gameId/player/:playerId/status', { events: statusEvents })
  async *status(
    @Param('gameId') gameId: string,
    @Param('playerId') playerId: string,
    @LastEventId() lastEventId: string | undefined,
    @SseSignal() signal: AbortSignal,
  ) {
    for await (const view of this.games.watch(gameId, playerId, lastEventId, signal)) {
      yield view.final_player === null
        ? statusEvents.new_message(view, { id: view.version, retry: RETRY_MS })
        : statusEvents.end(view, { retry: RETRY_MS });
    }
  }
}
