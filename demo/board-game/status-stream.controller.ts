import { Controller, Param } from '@nestjs/common';
import { LastEventId, Sse, SseSignal, event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { Games } from './games.service.js';

/** Milliseconds that a client waits before it reconnects. */
const RETRY_MS = 2000;

/** Streams the table as a player sees it, so that clients need not poll. */
@Controller('stream')
export class StatusStreamController {
  constructor(private readonly games: Games) {}

  @Sse(':gameId/player/:playerId/status')
  async *status(
    @Param('gameId') gameId: string,
    @Param('playerId') playerId: string,
    @LastEventId() lastEventId: string | undefined,
    @SseSignal() signal: AbortSignal,
  ): AsyncGenerator<SseEvent, void, undefined> {
    for await (const view of this.games.watch(gameId, playerId, lastEventId, signal)) {
      yield view.final_player === null
        ? event({ type: 'new_message', id: view.version, retry: RETRY_MS, data: view })
        : event({ type: 'end', retry: RETRY_MS, data: view });
    }
  }
}
