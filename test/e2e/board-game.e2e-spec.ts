import type { INestApplication } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { BoardGameModule } from '../../demo/board-game/board-game.module.js';
import type { GameView, PlayerView } from '../../demo/board-game/game.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { ask } from './ask.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

async function newGame(app: INestApplication, players?: string[]): Promise<string> {
  const { status, body } = await ask<GameView>(app, 'POST', '/games', players && { players });
  expect(status).toBe(201);
  return body.game_id;
}

const streamPath = (game: string, player: number): string => `/stream/${game}/player/${player}/status`;

async function statusOf(app: INestApplication, game: string, player: number): Promise<PlayerView> {
  return (await ask<PlayerView>(app, 'GET', `/games/${game}/player/${player}/status`)).body;
}

/** Makes the first legal move for the player at the turn, and returns the state that this player then sees. */
async function move(app: INestApplication, game: string): Promise<PlayerView> {
  const { turn } = await statusOf(app, game, 1);
  const { legal_pawns } = await statusOf(app, game, turn ?? 1);
  const path = `/games/${game}/player/${turn}/move`;
  const { status, body } = await ask<PlayerView>(app, 'POST', path, { pawn: legal_pawns[0] });
  expect(status).toBe(200);
  return body;
}

/** Plays until a player has won, and returns the final state. */
async function playToTheEnd(app: INestApplication, game: string): Promise<PlayerView> {
  for (;;) {
    const state = await move(app, game);
    if (state.final_player !== null) return state;
  }
}

describe('the board game', () => {
  eachAdapter((adapter) => {
    const demo = () => makeApp(adapter, { imports: [BoardGameModule] });
    afterEach(closeStockClients);
    afterEach(closeApps);

    describe('its stream', () => {
      it('shows the state on connect and after a change, with the bytes of the polled route', async () => {
        const app = await demo();
        const game = await newGame(app);
        const stream = await openStream(app, streamPath(game, 1));
        expect(stream.status).toBe(200);
        const block = async (id: number): Promise<string> =>
          `event: new_message\nid: ${id}\nretry: 2000\ndata: ${JSON.stringify(await statusOf(app, game, 1))}\n\n`;
        await stream.next('new_message');
        const first = await block(1);
        await move(app, game);
        await stream.next('new_message');
        expect(stream.raw()).toBe(`:\n${first}${await block(2)}`);
        await stream.close();
      });

      it('shows each player at the table the same change, with the moves that this player may make', async () => {
        const app = await demo();
        const game = await newGame(app, ['Ann', 'Bo', 'Cy']);
        const streams = await Promise.all(
          [1, 2, 3].map((player) => openStream(app, streamPath(game, player))),
        );
        for (const stream of streams) await stream.next('new_message');
        await move(app, game);
        const views = await Promise.all(
          streams.map(async (stream) => (await stream.next('new_message')).json<PlayerView>()),
        );
        expect(views.map(({ player_id }) => player_id)).toEqual([1, 2, 3]);
        for (const { version, turn, players, player_id, legal_pawns } of views) {
          expect({ version, turn, players }).toEqual({ version: 2, turn: 2, players: views[0]?.players });
          expect(legal_pawns.length > 0).toBe(player_id === turn);
        }
        await Promise.all(streams.map((stream) => stream.close()));
      });

      it('ends with the final state as soon as a player is final', async () => {
        const app = await demo();
        const game = await newGame(app);
        const stream = await openStream(app, streamPath(game, 2));
        const { final_player, version } = await playToTheEnd(app, game);
        const events = await stream.rest();
        expect(events.map(({ type }) => type)).toEqual([
          ...Array<string>(version - 1).fill('new_message'),
          'end',
        ]);
        expect(events.at(-1)?.json()).toMatchObject({ final_player, version, player_id: 2, turn: null });
        const state = JSON.stringify(await statusOf(app, game, 2));
        expect(stream.raw().endsWith(`event: end\nretry: 2000\ndata: ${state}\n\n`)).toBe(true);
      });

      it('sends the result to a client that connects after the end, and ends', async () => {
        const app = await demo();
        const game = await newGame(app);
        await playToTheEnd(app, game);
        const state = JSON.stringify(await statusOf(app, game, 1));
        for (const lastEventId of [undefined, '3']) {
          const stream = await openStream(app, streamPath(game, 1), lastEventId ? { lastEventId } : {});
          expect(await stream.end()).toBe('ended');
          expect(stream.raw()).toBe(`:\nevent: end\nretry: 2000\ndata: ${state}\n\n`);
        }
      });

      it('does not send a state again to a client that reconnects with it, but sends any newer state at once', async () => {
        const app = await demo();
        const game = await newGame(app);
        await move(app, game);
        const current = await openStream(app, streamPath(game, 1), { lastEventId: '2' });
        const behind = await openStream(app, streamPath(game, 1), { lastEventId: '1' });
        expect((await behind.next()).json()).toMatchObject({ version: 2 });
        await move(app, game);
        expect((await current.next()).json()).toMatchObject({ version: 3 });
        expect(current.raw()).not.toContain('id: 2\n');
        await Promise.all([current.close(), behind.close()]);
      });

      it('notices when its client leaves', async () => {
        const app = await demo();
        const game = await newGame(app);
        const stream = await openStream(app, streamPath(game, 1));
        await stream.next();
        const connections = app.get(SseConnections);
        expect(connections.count()).toBe(1);
        await stream.close();
        await until(() => connections.count() === 0, 'the end of the connection');
        await move(app, game);
      });

      it('stops a stock EventSource permanently: 204 on its reconnect', async () => {
        const app = await demo();
        const game = await newGame(app);
        const client = followWithStockClient(`${await app.getUrl()}${streamPath(game, 1)}`, [
          'new_message',
          'end',
        ]);
        await until(() => client.events.length > 0, 'the first state');
        const { version } = await playToTheEnd(app, game);
        await client.closed();
        expect(client.statuses).toEqual([undefined, 204]);
        expect(client.events.map(({ type, data }) => `${type} ${JSON.parse(data).version}`)).toEqual([
          ...Array.from({ length: version - 1 }, (_, i) => `new_message ${i + 1}`),
          `end ${version}`,
        ]);
      }, 10_000);

      it('never blocks the routes beside it', async () => {
        const app = await demo();
        const game = await newGame(app);
        const watchers = await Promise.all(
          Array.from({ length: 20 }, () => openStream(app, streamPath(game, 1))),
        );
        for (const watcher of watchers) await watcher.next();
        expect((await statusOf(app, game, 2)).version).toBe(1);
        await move(app, game);
        for (const watcher of watchers) {
          expect((await watcher.next()).json()).toMatchObject({ version: 2 });
          await watcher.close();
        }
      });
    });

    describe('a game', () => {
      it('has two to four players, by name', async () => {
        const app = await demo();
        const names = ['Ann', 'Bo', 'Cy', 'Di'];
        const { body } = await ask<GameView>(app, 'POST', '/games', { players: names });
        expect(body.players).toEqual(names.map((name, i) => ({ player_id: i + 1, name, pawns: [0, 0] })));
        expect((await ask<GameView>(app, 'POST', '/games')).body.players).toHaveLength(2);
      });

      it.each([
        ['malformed JSON', '{"players":["Ann",]}'],
        ['a list', ['Ann', 'Bo']],
        ['one player', { players: ['Ann'] }],
        ['five players', { players: ['A', 'B', 'C', 'D', 'E'] }],
        ['a name that is no string', { players: ['Ann', 7] }],
        ['a blank name', { players: ['Ann', ' '] }],
        ['the same name twice', { players: ['Ann', 'Ann'] }],
        ['a number of players', { players: 3 }],
      ])('is not created from %s', async (_, body) => {
        expect(await ask(await demo(), 'POST', '/games', body)).toMatchObject({
          status: 400,
          body: { statusCode: 400, message: expect.any(String) },
        });
      });

      it.each([
        ['malformed JSON', '{"pawn":0', 400],
        ['no body', undefined, 400],
        ['a pawn that is no number', { pawn: '0' }, 400],
        ['half a pawn', { pawn: 0.5 }, 400],
        ['a pawn that there is not', { pawn: 2 }, 422],
        ['a negative pawn', { pawn: -1 }, 422],
      ])('rejects a move with %s', async (_, body, status) => {
        const app = await demo();
        const game = await newGame(app);
        expect(await ask(app, 'POST', `/games/${game}/player/1/move`, body)).toMatchObject({
          status,
          body: { statusCode: status, message: expect.any(String) },
        });
        expect((await statusOf(app, game, 1)).version).toBe(1);
      });

      it('rejects a move out of turn, and any move after the end, with 409', async () => {
        const app = await demo();
        const game = await newGame(app);
        expect(await ask(app, 'POST', `/games/${game}/player/2/move`, { pawn: 0 })).toEqual({
          status: 409,
          body: { statusCode: 409, error: 'Conflict', message: 'It is the turn of player 1.' },
        });
        await playToTheEnd(app, game);
        for (const player of [1, 2]) {
          expect(await ask(app, 'POST', `/games/${game}/player/${player}/move`, { pawn: 0 })).toMatchObject({
            status: 409,
            body: { message: 'The game is over.' },
          });
        }
      });

      it('answers 404 for an unknown game or player on every route', async () => {
        const app = await demo();
        const game = await newGame(app);
        for (const [table, player] of [
          ['nowhere', '1'],
          ['constructor', '1'],
          [game, '3'],
          [game, '0'],
          [game, 'Ann'],
        ]) {
          for (const [method, path, body] of [
            ['GET', `/stream/${table}/player/${player}/status`, undefined],
            ['GET', `/games/${table}/player/${player}/status`, undefined],
            ['POST', `/games/${table}/player/${player}/move`, { pawn: 0 }],
          ] as const) {
            expect(await ask(app, method, path, body)).toMatchObject({
              status: 404,
              body: { statusCode: 404, error: 'Not Found', message: expect.any(String) },
            });
          }
        }
      });
    });
  });
});
