import { randomInt, randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { Game } from './game.js';

/** The tables at which games are played. */
@Injectable()
export class Games {
  readonly #games = new Map<string, Game>();

  create(names: readonly string[]): Game {
    const game = new Game(randomUUID(), names, () => randomInt(1, 7));
    this.#games.set(game.id, game);
    return game;
  }

  /** @throws {NotFoundException} if there is none. */
  find(id: string): Game {
    const game = this.#games.get(id);
    if (game === undefined) throw new NotFoundException(`There is no game "${id}".`);
    return game;
  }
}
