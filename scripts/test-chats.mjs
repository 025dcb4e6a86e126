// Runs 1000 chats of the AI SDK with reloads, second tabs and stops: on Express, on Fastify, and on two nodes over Redis and over
// PostgreSQL. Prints the figures of each. `npm test` and `npm run test:long` run the same with fewer chats.
//
//   node scripts/test-chats.mjs [number of chats]
import { spawnSync } from 'node:child_process';

const [chats = '1000'] = process.argv.slice(2);
const { status } = spawnSync(process.execPath, ['scripts/test.mjs', 'ai-chats', '--testTimeout=1800000'], {
  stdio: 'inherit',
  env: { ...process.env, CHATS: chats },
});
process.exitCode = status ?? 1;
