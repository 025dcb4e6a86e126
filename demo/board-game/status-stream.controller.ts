import { Controller, Param } from '@nestjs/common';
import { LastEventId, Sse, event } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { map, skipWhile } from 'rxjs';
import type { Observable } from 'rxjs';
import { Games } from './games.service.js';

/** How long a client waits before it reconnects. */
const RETRY_MS = 2000;

/** The table as a player sees it, pushed instead of polled. */
@Controller('stream')
export class StatusStreamController {
  constructor(private readonly games: Games) {}

  @Sse(':gameId/player/:playerId/status')
  status(
    @Param('gameId') gameId: string,
    @Param('playerId') playerId: string,
    @LastEventId() lastEventId: string | undefined,
  ): Observable<SseEvent> {
    const views = this.games.find(gameId).watch(playerId);
    return views.pipe(
      skipWhile((view) => view.final_player === null && String(view.version) === lastEventId),
      map((view) =>
        view.final_player === null
          ? event({ type: 'new_message', id: view.version, retry: RETRY_MS, data: view })
          : event({ type: 'end', retry: RETRY_MS, data: view }),
      ),
    );
  }
}
