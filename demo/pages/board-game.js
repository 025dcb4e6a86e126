import { follow } from './follow.js';
import { Pane } from './pane.js';
import { request } from './request.js';

/** Milliseconds between two moves of a table that plays automatically. */
const THINK_MS = 600;

/** A table for two players, both played from this page. The state comes from the stream of the first player only. */
export function startBoardGame() {
  const pane = new Pane('board-game');
  const table = document.getElementById('board-game-table');
  const auto = document.getElementById('board-game-auto');
  let leave = () => {};
  let thinking;
  let state;

  const move = (pawn) =>
    request('POST', `/games/${state.game_id}/player/${state.turn}/move`, { pawn }).catch((error) =>
      pane.note(error.message),
    );
  const show = (event) => {
    state = JSON.parse(event.data);
    clearTimeout(thinking);
    const focused = table.contains(document.activeElement);
    drawLanes(table, state);
    if (state.final_player === null) void choose(focused);
    else drawWinner(table, state);
    return inWords(state);
  };
  const choose = async (focused) => {
    const asked = state;
    const { legal_pawns } = await request('GET', `/games/${asked.game_id}/player/${asked.turn}/status`);
    if (state !== asked) return;
    drawChoice(table, asked, legal_pawns, move);
    if (focused) table.querySelector('button').focus();
    if (auto.checked) thinking = setTimeout(() => move(anyOf(legal_pawns)), THINK_MS);
  };
  const stop = () => {
    clearTimeout(thinking);
    state = undefined;
    leave();
  };

  pane.buttons(async () => {
    stop();
    pane.clear();
    const { game_id } = await request('POST', '/games', { players: ['Red', 'Blue'] });
    table.hidden = false;
    leave = follow(pane, `/stream/${game_id}/player/1/status`, ['new_message', 'end'], show);
  }, stop);
  auto.addEventListener('change', () => {
    if (auto.checked && state?.final_player === null) table.querySelector('button')?.click();
  });
}

function inWords({ players, turn, roll, final_player }) {
  if (final_player !== null) return `${players[final_player - 1].name} has won`;
  return `${players.map(({ name, pawns }) => `${name} on ${pawns.join(' and ')}`).join(', ')}; ${players[turn - 1].name} rolled ${roll}`;
}

function anyOf(list) {
  return list[Math.floor(Math.random() * list.length)];
}

function drawLanes(table, { players, finish, turn }) {
  const lanes = players.map(({ player_id, name, pawns }) => {
    const lane = element('div', `lane${player_id === turn ? ' turn' : ''}`);
    lane.setAttribute('role', 'img');
    lane.setAttribute('aria-label', `${name}: pawns on squares ${pawns.join(' and ')} of ${finish}`);
    lane.append(element('span', 'who', name));
    for (let number = 0; number <= finish; number++) {
      const square = element('span', 'square');
      for (const at of pawns) if (at === number) square.append(element('span', 'pawn'));
      lane.append(square);
    }
    return lane;
  });
  table.replaceChildren(...lanes, element('div', 'turn-controls'));
}

function drawChoice(table, { players, turn, roll }, legalPawns, move) {
  const { name, pawns } = players[turn - 1];
  const buttons = legalPawns.map((pawn) => {
    const button = element('button', '', `Pawn on ${pawns[pawn]} to ${pawns[pawn] + roll}`);
    button.type = 'button';
    button.addEventListener('click', () => move(pawn));
    return button;
  });
  table.lastElementChild.replaceChildren(element('span', '', `${name} rolled ${roll}:`), ...buttons);
}

function drawWinner(table, { players, final_player }) {
  table.lastElementChild.replaceChildren(element('strong', '', `${players[final_player - 1].name} has won`));
}

function element(tag, className, text = '') {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}
