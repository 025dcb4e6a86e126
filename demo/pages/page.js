import { startBoardGame } from './board-game.js';
import { startPrCore } from './prcore.js';
import { startRatEngine } from './rat-engine.js';
import { startTimeplus } from './timeplus.js';
import { startTokenChat } from './token-chat.js';
import { startTrpcCpp } from './trpc-cpp.js';

startRatEngine();
startPrCore();
startTimeplus();
startBoardGame();
startTrpcCpp();
startTokenChat();

for (const lines of document.querySelectorAll('pre')) {
  lines.textContent = lines.textContent.replaceAll('http://127.0.0.1:3000', location.origin);
}
