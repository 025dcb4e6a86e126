import { randomInt, randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { Channels, isGap } from 'nestjs-event-stream';
import type { Channel } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { Records } from '../state/records.js';
import { Game } from './game.js';
import type { GameState, PlayerView } from './game.js';

/**
 * Milliseconds between two checks whether a watcher missed the last change. The process that made the change may have
 * died before it published the change.
 */
const LOOK_MS = 5000;

const rollDie = (): number => randomInt(1, 7);

/**
 * The tables at which games are played. Every process serves every table: a record holds the state of each, and a
 * channel announces each change.
 */
@Injectable()
export class Games {
  constructor(
    private readonly records: Records,
    private readonly channels: Channels,
    private readonly pace: Pace,
  ) {}

  async create(names: readonly string[]): Promise<Game> {
    const game = Game.begin(randomUUID(), names, rollDie);
    await this.records.update<GameState>(recordOf(game.state.id), () => game.state);
    return game;
  }

  /** @throws {NotFoundException} if there is no such game. */
  async find(id: string): Promise<Game> {
    return opened(id, await this.records.read<GameState>(recordOf(id)));
  }

  /**
   * Moves a pawn. If two processes move at the same time, one move is applied first, and the other one is validated
   * against the result.
   *
   * @throws the errors of `Game.move`.
   */
  async move(id: string, playerId: string, pawn: number): Promise<Game> {
    const state = await this.records.update<GameState>(recordOf(id), (now) => {
      const game = opened(id, now);
      game.move(playerId, pawn);
      return game.state;
    });
    await this.#table(id).publish(state);
    return new Game(state, rollDie);
  }

  /**
   * Yields the view of a player now and after every change, until a player has won. A client that reconnects does not
   * receive a version again that it already knows, unless it is the last one.
   */
  async *watch(
    id: string,
    playerId: string,
    known: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<PlayerView, void, undefined> {
    let shown = 0;
    // The state first, and then exactly the changes that follow it. A watcher that falls behind the retained history
    // of the channel gets the current state again.
    const states = this.#table(id).subscribe({
      signal,
      snapshot: async () => (await this.find(id)).state,
    });
    const again = () => void this.#tellAgain(id, shown).catch(() => undefined);
    const look = setInterval(again, this.pace.ms(LOOK_MS));
    try {
      for await (const state of states) {
        // Every event has the whole state, so nothing is lost with the events of a gap.
        if (isGap(state)) continue;
        const view = new Game(state.data, rollDie).viewOf(playerId);
        // Two processes may announce two moves in reverse order.
        if (view.version <= shown) continue;
        shown = view.version;
        const isOver = view.final_player !== null;
        if (isOver || String(view.version) !== known) yield view;
        if (isOver) return;
      }
    } finally {
      clearInterval(look);
      states.close();
    }
  }

  /** Announces the state of a game to all watchers, if it is newer than the known version. */
  async #tellAgain(id: string, known: number): Promise<void> {
    const { state } = await this.find(id);
    if (state.version > known) await this.#table(id).publish(state);
  }

  #table(id: string): Channel<GameState> {
    return this.channels.channel(`board-game/${id}`);
  }
}

function recordOf(id: string): string {
  return `board-game/${id}`;
}

function opened(id: string, state: GameState | undefined): Game {
  if (state === undefined) throw new NotFoundException(`There is no game "${id}".`);
  return new Game(state, rollDie);
}
