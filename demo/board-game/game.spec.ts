import { ConflictException, NotFoundException, UnprocessableEntityException } from '@nestjs/common';
import { Game } from './game.js';
import type { PlayerView } from './game.js';

/** A game whose die shows these numbers, one after the other. */
function game(rolls: number[], names = ['Ann', 'Bo']): Game {
  const left = [...rolls];
  return new Game('g', names, () => {
    const roll = left.shift();
    if (roll === undefined) throw new Error('More was rolled than the test says.');
    return roll;
  });
}

function seen(table: Game, player: string): { views: PlayerView[]; done: () => boolean } {
  const views: PlayerView[] = [];
  let done = false;
  table.watch(player).subscribe({ next: (view) => views.push(view), complete: () => (done = true) });
  return { views, done: () => done };
}

const TO_THE_END = [5, 2, 5, 2, 5, 2, 5, 2, 5, 2, 5, 2, 5, 2, 5];

/** Ann brings one pawn home, then the other, and on its way throws Bo out. */
function playToTheEnd(table: Game): void {
  for (const pawn of [0, 0, 0, 0, 1, 1, 1, 1]) {
    table.move('1', pawn);
    if (table.view().turn === 2) table.move('2', 0);
  }
}

describe('Game', () => {
  it('begins with the first player, who has rolled already', () => {
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

  it('moves the pawn by the roll and passes the turn to the next player, who rolls', () => {
    const table = game([4, 6], ['Ann', 'Bo', 'Cy']);
    table.move('1', 1);
    expect(table.view()).toMatchObject({ version: 2, turn: 2, roll: 6 });
    expect(table.view().players[0]?.pawns).toEqual([0, 4]);
  });

  it('passes over a player who has no move', () => {
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

  it('refuses a move out of turn, of a pawn that cannot go, and by somebody who is not there', () => {
    const table = game([4]);
    expect(() => table.move('2', 0)).toThrow(new ConflictException('It is the turn of player 1.'));
    expect(() => table.move('1', 2)).toThrow(
      new UnprocessableEntityException('Pawn 2 cannot move 4; pawn 0 or 1 can.'),
    );
    for (const player of ['3', '0', '01', '', 'Ann']) {
      expect(() => table.move(player, 0)).toThrow(NotFoundException);
      expect(() => table.viewOf(player)).toThrow(NotFoundException);
      expect(() => table.watch(player)).toThrow(NotFoundException);
    }
    expect(table.view().version).toBe(1);
  });

  it('shows a watcher the state at once and after every change, until a player is final', () => {
    const table = game(TO_THE_END);
    const watcher = seen(table, '2');
    expect(watcher.views.map(({ version }) => version)).toEqual([1]);
    playToTheEnd(table);
    expect(watcher.views.map(({ version }) => version)).toEqual(Array.from({ length: 16 }, (_, i) => i + 1));
    expect(watcher.views.at(-1)).toMatchObject({ final_player: 1, turn: null, roll: null, legal_pawns: [] });
    expect(watcher.views.slice(0, -1).every(({ final_player }) => final_player === null)).toBe(true);
    expect(watcher.done()).toBe(true);
  });

  it('shows one who comes after the end the final state, and takes no more moves', () => {
    const table = game(TO_THE_END);
    playToTheEnd(table);
    const late = seen(table, '1');
    expect(late.views).toHaveLength(1);
    expect(late.done()).toBe(true);
    expect(() => table.move('2', 0)).toThrow(new ConflictException('The game is over.'));
  });
});
