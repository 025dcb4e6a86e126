import { NotFoundException } from '@nestjs/common';
import { Channels, memoryLog } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { MemoryRecords } from '../state/memory-records.js';
import { Games } from './games.service.js';

/** Two processes that share a log and records. */
function processes(): [Games, Games] {
  const [records, log] = [new MemoryRecords(), memoryLog({ maxEvents: 3 })];
  const pace = new Pace(5000);
  return [new Games(records, new Channels({ log }), pace), new Games(records, new Channels({ log }), pace)];
}

async function newGame(games: Games): Promise<string> {
  return (await games.create(['Ann', 'Bo'])).state.id;
}

/** Makes the first legal move of the player whose turn it is. */
async function moveOn(games: Games, id: string): Promise<void> {
  const game = await games.find(id);
  const player = String((game.view().turn ?? 0) || 1);
  await games.move(id, player, game.viewOf(player).legal_pawns[0] ?? -1);
}

describe('Games', () => {
  it('shows a watcher the state at once and after every change, in whichever process, until a player has won', async () => {
    const [here, there] = processes();
    const id = await newGame(here);
    const versions: number[] = [];
    let last: unknown;
    for await (const view of there.watch(id, '2', undefined, new AbortController().signal)) {
      versions.push(view.version);
      last = view.final_player;
      if (view.final_player === null) await moveOn(versions.length % 2 ? here : there, id);
    }
    expect(versions).toEqual(Array.from({ length: versions.length }, (_, i) => i + 1));
    expect([1, 2]).toContain(last);
  });

  it('applies one of two concurrent moves first, and validates the other against the result', async () => {
    const [here, there] = processes();
    const id = await newGame(here);
    const outcomes = await Promise.allSettled([here.move(id, '1', 0), there.move(id, '1', 1)]);
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect((await here.find(id)).view()).toMatchObject({ version: 2, turn: 2 });
  });

  it('shows the current state to a watcher that fell behind the retained history of the channel', async () => {
    const [here] = processes();
    const id = await newGame(here);
    const watching = here.watch(id, '1', undefined, new AbortController().signal);
    await watching.next();
    for (let i = 0; i < 6; i++) await moveOn(here, id);
    expect((await watching.next()).value).toMatchObject({ version: 7 });
    const again = watching.next();
    await moveOn(here, id);
    expect((await again).value).toMatchObject({ version: 8 });
    await watching.return();
  });

  it('shows a watcher a change even if the process that made it died before it published the change', async () => {
    const [records, log, pace] = [new MemoryRecords(), memoryLog(), new Pace(5000)];
    const games = new Games(records, new Channels({ log }), pace);
    const silent = new Channels();
    const dying = new Games(records, silent, pace);
    await silent.close();
    const id = await newGame(games);
    const watchers = ['1', '2'].map((player) =>
      games.watch(id, player, undefined, new AbortController().signal),
    );
    for (const watching of watchers) await watching.next();
    await expect(moveOn(dying, id)).rejects.toThrow('closed');
    for (const watching of watchers) {
      expect((await watching.next()).value).toMatchObject({ version: 2, turn: 2 });
      await watching.return();
    }
  });

  it('rejects a watcher of an unknown game or player', async () => {
    const [here] = processes();
    const id = await newGame(here);
    const { signal } = new AbortController();
    await expect(here.watch('none', '1', undefined, signal).next()).rejects.toThrow(NotFoundException);
    await expect(here.watch(id, '3', undefined, signal).next()).rejects.toThrow(NotFoundException);
  });
});
