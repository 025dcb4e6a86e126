import { ConflictException, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { Game } from './game.js';

/** A game whose die shows these numbers, one after the other. */
function game(rolls: number[], names = ['Ann', 'Bo']): Game {
  const left = [...rolls];
  return Game.begin('g', names, () => {
    const roll = left.shift();
    if (roll === undefined) throw new Error('The test rolls the die more often than it has numbers.');
    return roll;
  });
}

const TO_THE_END = [5, 2, 5, 2, 5, 2, 5, 2, 5, 2, 5, 2, 5, 2, 5];

/** Ann brings both pawns home. The second one sends a pawn of Bo back to its start on the way. */
function playToTheEnd(table: Game): void {
  for (const pawn of [0, 0, 0, 0, 1, 1, 1, 1]) {
    table.move('1', pawn);
    if (table.view().turn === 2) table.move('2', 0);
  }
}

describe('Game', () => {
  it('starts with the first player, whose die has already been rolled', () => {
    expect(game([4]).viewOf('1')).toEqual({
      game_id: 'g',
      version: 1,
      players: [
        { player_id: 1, name: 'Ann', pawns: [0, 0] },
        { player_id: 2, name: 'Bo', pawns: [0, 0] },
      ],
      finish: 20,
      turn: 1,
      roll: 4,
      final_player: null,
      player_id: 1,
      legal_pawns: [0, 1],
    });
    expect(game([4]).viewOf('2')).toMatchObject({ player_id: 2, legal_pawns: [] });
  });

  it('moves the pawn by the roll, passes the turn to the next player, and rolls again', () => {
    const table = game([4, 6], ['Ann', 'Bo', 'Cy']);
    table.move('1', 1);
    expect(table.view()).toMatchObject({ version: 2, turn: 2, roll: 6 });
    expect(table.view().players[0]?.pawns).toEqual([0, 4]);
  });

  it('skips a player who has no legal move', () => {
    const table = game([6, 1, 6, 1, 6, 1, 6, 1, 6, 2, 2, 1, 3, 4]);
    for (const pawn of [0, 0, 0, 1, 1]) {
      table.move('1', pawn);
      table.move('2', 0);
    }
    expect(table.view().players[0]?.pawns).toEqual([18, 12]);
    table.move('1', 0);
    table.move('2', 0);
    expect(table.view()).toMatchObject({ turn: 1, roll: 3 });
    expect(table.viewOf('1').legal_pawns).toEqual([1]);
  });

  it('rejects a move out of turn, of a pawn that cannot go so far, and of an unknown player', () => {
    const table = game([4]);
    expect(() => table.move('2', 0)).toThrow(new ConflictException('It is the turn of player 1.'));
    expect(() => table.move('1', 2)).toThrow(
      new UnprocessableEntityException('Pawn 2 cannot move 4; pawn 0 or 1 can.'),
    );
    for (const player of ['3', '0', '01', '', 'Ann']) {
      expect(() => table.move(player, 0)).toThrow(NotFoundException);
      expect(() => table.viewOf(player)).toThrow(NotFoundException);
    }
    expect(table.view().version).toBe(1);
  });

  it('has a final player once the game is won, and then rejects moves', () => {
    const table = game(TO_THE_END);
    playToTheEnd(table);
    expect(table.viewOf('2')).toMatchObject({
      version: 16,
      final_player: 1,
      turn: null,
      roll: null,
      legal_pawns: [],
    });
    expect(() => table.move('2', 0)).toThrow(new ConflictException('The game is over.'));
  });

  it('continues in another process from its serialized state', () => {
    const table = game([4, 6, 1]);
    const elsewhere = (): Game => new Game(JSON.parse(JSON.stringify(table.state)), () => 3);
    table.move('1', 1);
    expect(elsewhere().viewOf('2')).toEqual(table.viewOf('2'));
    const other = elsewhere();
    other.move('2', 0);
    expect(other.view()).toMatchObject({ version: 3, turn: 1, roll: 3 });
    expect(table.view().version).toBe(2);
  });
});
