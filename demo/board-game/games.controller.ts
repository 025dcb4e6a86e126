import { Body, Controller, Get, HttpCode, Param, Post, UseFilters } from '@nestjs/common';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { readNames, readPawn } from './game.body.js';
import type { GameView, PlayerView } from './game.js';
import { Games } from './games.service.js';

/** The JSON routes of the board game, including the one that clients used to poll. */
@Controller('games')
@UseFilters(SseErrorFilter)
export class GamesController {
  constructor(private readonly games: Games) {}

  @Post()
  async create(@Body() body: unknown): Promise<GameView> {
    return (await this.games.create(readNames(body))).view();
  }

  @Post(':gameId/player/:playerId/move')
  @HttpCode(200)
  async move(
    @Param('gameId') gameId: string,
    @Param('playerId') playerId: string,
    @Body() body: unknown,
  ): Promise<PlayerView> {
    // A client that is not a player of this game receives 404 before its move is validated.
    (await this.games.find(gameId)).viewOf(playerId);
    return (await this.games.move(gameId, playerId, readPawn(body))).viewOf(playerId);
  }

  @Get(':gameId/player/:playerId/status')
  async status(@Param('gameId') gameId: string, @Param('playerId') playerId: string): Promise<PlayerView> {
    return (await this.games.find(gameId)).viewOf(playerId);
  }
}
