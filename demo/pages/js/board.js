import { make, part } from './dom.js';
import { Pane } from './pane.js';
import { request } from './request.js';

/** Milliseconds between two moves of a table that plays automatically. */
const THINK_MS = 500;
const PLAYERS = [1, 2];

/** A table for two players in two windows. Each window has the stream of its player. */
export function startBoard() {
  const pane = new Pane('board');
  const auto = part('board-auto');
  const said = part('board-said');
  let thinking;
  let counting;

  const move = (game, player, pawn) =>
    request('POST', `/games/${game}/player/${player}/move`, { pawn }).catch((error) =>
      pane.status('failed', error.message),
    );
  const think = () => {
    clearTimeout(thinking);
    if (!auto.checked) return;
    thinking = setTimeout(() => {
      const buttons = [...pane.section.querySelectorAll('[data-moves] button')];
      buttons[Math.floor(Math.random() * buttons.length)]?.click();
    }, THINK_MS);
  };
  const show = (player, view) => {
    // Both windows get the same events. A game that plays automatically is too fast to follow by ear.
    const words = sentence(view);
    if (said.textContent !== words && (!auto.checked || view.final_player !== null)) said.textContent = words;
    const place = part(`board-window-${player}`);
    const hadFocus = place.contains(document.activeElement);
    drawLanes(place.querySelector('[data-lanes]'), view);
    drawMoves(place.querySelector('[data-moves]'), view, player, (pawn) => move(view.game_id, player, pawn));
    // The pressed button is gone. The focus goes to the next move, in whichever window it is.
    if (hadFocus) focusNext(place, view);
    else if (document.activeElement?.matches('#board .window')) focusNext(document.activeElement, view);
    think();
  };

  pane.on('board-start', async () => {
    pane.restart();
    said.textContent = '';
    clearInterval(counting);
    const { game_id } = await request('POST', '/games', { players: ['Red', 'Blue'] });
    const startedAt = performance.now();
    part('board-requests').textContent = PLAYERS.length;
    const count = () => {
      const seconds = Math.floor((performance.now() - startedAt) / 1000);
      part('board-polling').textContent = PLAYERS.length * (seconds + 1);
    };
    count();
    const counter = (counting = setInterval(count, 1000));
    await Promise.all(
      PLAYERS.map((player) =>
        pane.read(`/stream/${game_id}/player/${player}/status`, (event) => show(player, event.json()), {
          isMain: player === 1,
          reading: 'Both windows follow the table',
          ended: 'The game is over, and the streams have ended',
        }),
      ),
    );
    clearInterval(counter);
  });
  auto.addEventListener('change', think);
}

/** The sentence that a screen reader reads after a move. */
function sentence({ players, turn, roll, final_player }) {
  if (final_player !== null) return winner(players, final_player);
  return `${players[turn - 1].name} rolled ${roll}`;
}

function winner(players, number) {
  return `${players[number - 1].name} has won`;
}

/** Focuses a move of either window. Without one it focuses this window until there is one, or the button of the next game. */
function focusNext(place, { final_player }) {
  if (final_player !== null) return part('board-start').focus({ preventScroll: true });
  const button = document.querySelector('#board [data-moves] button');
  if (!button) place.tabIndex = -1;
  (button ?? place).focus({ preventScroll: true });
}

function drawLanes(place, { players, finish }) {
  const lanes = players.map(({ name, pawns }) => {
    const lane = make('div', 'lane');
    lane.setAttribute('role', 'img');
    lane.setAttribute('aria-label', `${name}: pawns on squares ${pawns.join(' and ')} of ${finish}`);
    for (let number = 0; number <= finish; number++) {
      lane.append(make('span', '', ...pawns.filter((at) => at === number).map(() => make('i'))));
    }
    return lane;
  });
  place.replaceChildren(...lanes);
}

function drawMoves(place, { players, turn, roll, legal_pawns, final_player }, player, move) {
  if (final_player !== null) return place.replaceChildren(make('strong', '', winner(players, final_player)));
  if (turn !== player) return place.replaceChildren(`${players[turn - 1].name} is thinking`);
  const { pawns } = players[player - 1];
  // Two pawns on one square have the same move.
  const different = legal_pawns.filter(
    (pawn, index) => legal_pawns.findIndex((other) => pawns[other] === pawns[pawn]) === index,
  );
  const buttons = different.map((pawn) => {
    const button = make('button', '', `Move ${pawns[pawn]} to ${pawns[pawn] + roll}`);
    button.type = 'button';
    button.dataset.testid = `board-move-${player}-${pawn}`;
    button.addEventListener('click', () => move(pawn));
    return button;
  });
  place.replaceChildren(`You rolled ${roll}:`, ...buttons);
}
