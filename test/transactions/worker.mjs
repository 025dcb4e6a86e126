// A process that publishes in transactions until it is killed: `fork('worker.mjs', [url, channels])`. Half of the transactions
// are rolled back. Tells its parent after every 20 transactions.
import { Channels } from 'nestjs-event-stream';
import { postgresLog } from 'nestjs-event-stream/postgres';
import { randomInt, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const [url, channelCount] = process.argv.slice(2);
const AT_ONCE = 8;
const REPORT_EVERY = 20;

const channels = new Channels({
  log: postgresLog({ client: url, maxEvents: false, maxBytes: false, maxAgeMs: 86_400_000 }),
});
// Its parent has died.
process.once('disconnect', () => process.exit());
let done = 0;

async function work() {
  for (;;) {
    const client = new pg.Client({ connectionString: url });
    client.on('error', () => undefined);
    try {
      await client.connect();
      for (;;) {
        await transaction(client);
        if (++done % REPORT_EVERY === 0) process.send(REPORT_EVERY);
      }
    } catch {
      // The server was killed. The database alone knows what became of the transaction.
      await client.end().catch(() => undefined);
      await sleep(100);
    }
  }
}

async function transaction(client) {
  await client.query(randomInt(10) === 0 ? 'BEGIN ISOLATION LEVEL SERIALIZABLE' : 'BEGIN');
  const count = randomInt(1, 4);
  for (let i = 0; i < count; i++) {
    const channel = `channel-${randomInt(Number(channelCount))}`;
    const id = randomUUID();
    await client.query('INSERT INTO rows (id, channel, n) VALUES ($1, $2, $3)', [id, channel, i]);
    await channels.channel(channel).publish({ id }, { tx: client });
  }
  if (randomInt(20) === 0) await sleep(randomInt(50));
  await client.query(randomInt(2) === 0 ? 'COMMIT' : 'ROLLBACK');
}

for (let i = 0; i < AT_ONCE; i++) void work();
process.on('disconnect', () => process.exit());
