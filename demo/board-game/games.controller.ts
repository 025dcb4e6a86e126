import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { readNames, readPawn } from './game.body.js';
import type { GameView, PlayerView } from './game.js';
import { Games } from './games.service.js';

/** The ordinary routes of the board game, the one that clients used to poll among them. */
@Controller('games')
export class GamesController {
  constructor(private readonly games: Games) {}

  @Post()
  create(@Body() body: unknown): GameView {
    return this.games.create(readNames(body)).view();
  }

  @Post(':gameId/player/:playerId/move')
  @HttpCode(200)
  move(
    @Param('gameId') gameId: string,
    @Param('playerId') playerId: string,
    @Body() body: unknown,
  ): PlayerView {
    const game = this.games.find(gameId);
    game.move(playerId, readPawn(body));
    return game.viewOf(playerId);
  }

  @Get(':gameId/player/:playerId/status')
  status(@Param('gameId') gameId: string, @Param('playerId') playerId: string): PlayerView {
    return this.games.find(gameId).viewOf(playerId);
  }
}
