import { ConflictException, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { FINISH, PAWNS, legalPawns, moved } from './rules.js';
import type { Board } from './rules.js';

/** The state of the table, as every player sees it. */
export interface GameView {
  readonly game_id: string;
  /** Increases by one with every change. */
  readonly version: number;
  readonly players: readonly {
    readonly player_id: number;
    readonly name: string;
    readonly pawns: readonly number[];
  }[];
  /** The square that both pawns of a player must reach. */
  readonly finish: number;
  /** The player whose turn it is and the number that was rolled, or `null` once the game is over. */
  readonly turn: number | null;
  readonly roll: number | null;
  /** The player who won, or `null` while the game continues. */
  readonly final_player: number | null;
}

/** The table as one player sees it, with the moves that this player can make. */
export interface PlayerView extends GameView {
  readonly player_id: number;
  /** Pawns of the player, 0 or 1, that may move now. */
  readonly legal_pawns: readonly number[];
}

/** The complete state of a game. */
export interface GameState {
  readonly id: string;
  readonly names: readonly string[];
  readonly board: Board;
  readonly version: number;
  /** Seat of the player whose turn it is, from 0. */
  readonly turn: number;
  readonly roll: number;
}

/**
 * A race for two to four players with two pawns each. The die is rolled before a player chooses a pawn. See
 * `rules.ts` for the squares where it may go. A player without a legal move is skipped.
 */
export class Game {
  #board: Board;
  #version: number;
  #turn: number;
  #roll: number;

  constructor(
    private readonly begun: GameState,
    private readonly rollDie: () => number,
  ) {
    ({ board: this.#board, version: this.#version, turn: this.#turn, roll: this.#roll } = begun);
  }

  /** Creates a game in which the first player has the first turn. */
  static begin(id: string, names: readonly string[], rollDie: () => number): Game {
    const board = names.map(() => Array<number>(PAWNS).fill(0));
    return new Game({ id, names, board, version: 1, turn: 0, roll: rollDie() }, rollDie);
  }

  /** The state of the game, from which another process can continue it. */
  get state(): GameState {
    const { id, names } = this.begun;
    return { id, names, board: this.#board, version: this.#version, turn: this.#turn, roll: this.#roll };
  }

  view(): GameView {
    const winner = this.#winner();
    const over = winner !== undefined;
    return {
      game_id: this.begun.id,
      version: this.#version,
      players: this.begun.names.map((name, seat) => ({
        player_id: seat + 1,
        name,
        pawns: this.#board[seat] ?? [],
      })),
      finish: FINISH,
      turn: over ? null : this.#turn + 1,
      roll: over ? null : this.#roll,
      final_player: over ? winner + 1 : null,
    };
  }

  /** @throws {NotFoundException} if no player has this id. */
  viewOf(playerId: string): PlayerView {
    const seat = this.#seatOf(playerId);
    const view = this.view();
    const atTurn = view.turn === seat + 1;
    return { ...view, player_id: seat + 1, legal_pawns: atTurn ? this.#legalPawns() : [] };
  }

  /**
   * Moves a pawn by the number that was rolled.
   *
   * @throws {ConflictException} if the game is over, or if it is the turn of another player.
   * @throws {UnprocessableEntityException} if the pawn cannot go so far.
   */
  move(playerId: string, pawn: number): void {
    const seat = this.#seatOf(playerId);
    if (this.#winner() !== undefined) throw new ConflictException('The game is over.');
    if (seat !== this.#turn) throw new ConflictException(`It is the turn of player ${this.#turn + 1}.`);
    const legal = this.#legalPawns();
    if (!legal.includes(pawn)) {
      throw new UnprocessableEntityException(
        `Pawn ${pawn} cannot move ${this.#roll}; pawn ${legal.join(' or ')} can.`,
      );
    }
    this.#board = moved(this.#board, seat, pawn, this.#roll);
    if (this.#winner() === undefined) this.#passTurn();
    this.#version++;
  }

  /** A roll of 1 always has a legal move, so this loop ends. */
  #passTurn(): void {
    do {
      this.#turn = (this.#turn + 1) % this.begun.names.length;
      this.#roll = this.rollDie();
    } while (this.#legalPawns().length === 0);
  }

  #legalPawns(): number[] {
    return legalPawns(this.#board[this.#turn] ?? [], this.#roll);
  }

  #winner(): number | undefined {
    const seat = this.#board.findIndex((pawns) => pawns.every((square) => square === FINISH));
    return seat === -1 ? undefined : seat;
  }

  #seatOf(playerId: string): number {
    const seat = this.begun.names.findIndex((_, index) => String(index + 1) === playerId);
    if (seat === -1) throw new NotFoundException(`Nobody plays as "${playerId}" in game "${this.begun.id}".`);
    return seat;
  }
}
