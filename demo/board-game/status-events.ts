import { defineEvents, type } from 'nestjs-event-stream/events';
import type { PlayerView } from './game.js';

/** The events of `GET /stream/:gameId/player/:playerId/status`. */
export const statusEvents = defineEvents({
  /** The table has changed. */
  new_message: type<PlayerView>(),
  /** A player has won. It is the last event. */
  end: type<PlayerView>(),
});
