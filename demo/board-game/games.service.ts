import { randomInt, randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { Channels, isGap } from 'nestjs-event-stream';
import type { Channel } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { Records } from '../state/records.js';
import { Game } from './game.js';
import type { GameState, PlayerView } from './game.js';

/** How often a watcher looks whether it was told of the last change: whoever was to tell of it may have died. */
const LOOK_MS = 5000;

const rollDie = (): number => randomInt(1, 7);

/**
 * The tables at which games are played, through whichever process a player comes: a record for each says how it stands, and
 * a channel tells of each change.
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

  /** @throws {NotFoundException} if there is none. */
  async find(id: string): Promise<Game> {
    return opened(id, await this.records.read<GameState>(recordOf(id)));
  }

  /**
   * Moves a pawn; of two moves at a time, in two processes, one comes first and the other is judged by what it left.
   *
   * @throws what `Game.move` throws.
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
   * What a player sees, now and after every change, until somebody has won. Who comes back and knows a version already is
   * not shown that one again, unless it is the last.
   */
  async *watch(
    id: string,
    playerId: string,
    known: string | undefined,
    signal: AbortSignal,
  ): AsyncGenerator<PlayerView, void, undefined> {
    const view = async () => (await this.find(id)).viewOf(playerId);
    // Begun before the state is read: what the one does not show, the other does.
    const changes = this.#table(id).subscribe({ signal });
    let look: NodeJS.Timeout | undefined;
    try {
      await changes.ready;
      let shown = await view();
      const again = () => void this.#tellAgain(id, shown.version).catch(() => undefined);
      look = setInterval(again, this.pace.ms(LOOK_MS));
      if (shown.final_player !== null || String(shown.version) !== known) yield shown;
      while (shown.final_player === null) {
        const { value: change, done } = await changes.next();
        if (done) return;
        // After a gap, too: this watcher was too slow for what the channel keeps.
        const now = isGap(change) ? await view() : new Game(change.data, rollDie).viewOf(playerId);
        // Two processes may tell of two moves in the other order.
        if (now.version <= shown.version) continue;
        shown = now;
        yield shown;
      }
    } finally {
      clearInterval(look);
      changes.close();
    }
  }

  /** Tells all watchers how a game stands, if that is more than one of them was told of. */
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
