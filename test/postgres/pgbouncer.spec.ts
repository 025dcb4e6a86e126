import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Channels } from 'nestjs-event-stream';
import { postgresLog, postgresSlots, type PostgresLogOptions } from 'nestjs-event-stream/postgres';
import pg from 'pg';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { describePostgresServer, withoutPostgres } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { Viewer } from '../redis/viewer.js';

if (hasPgBouncer()) describePostgresServer('postgresLog behind PgBouncer in transaction mode', suite);
else withoutPostgres('postgresLog behind PgBouncer', 'Install it (apt-get install pgbouncer).');

function hasPgBouncer(): boolean {
  try {
    execFileSync('pgbouncer', ['--version']);
    return true;
  } catch {
    return false;
  }
}

function suite(): void {
  let server: PostgresServer;
  let bouncer: ChildProcess;
  let pooled = '';
  const closing: Channels[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start();
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    const { port } = probe.address() as AddressInfo;
    probe.close();
    const config = join(server.folder, 'pgbouncer.ini');
    const lines = [
      '[databases]',
      `postgres = host=127.0.0.1 port=${server.port} user=postgres`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'auth_type = any',
      'pool_mode = transaction',
      'unix_socket_dir =',
    ];
    writeFileSync(config, `${lines.join('\n')}\n`, { mode: 0o644 });
    bouncer = spawn('pgbouncer', [config], { ...server.user, stdio: 'ignore' });
    pooled = `postgres://postgres@127.0.0.1:${port}/postgres`;
    for (;;) {
      const client = new pg.Client({ connectionString: pooled });
      client.on('error', () => undefined);
      try {
        await client.connect();
        await client.end();
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((channels) => channels.close()));
  });
  afterAll(async () => {
    bouncer.kill('SIGKILL');
    await server.remove();
  });

  function node(options: Partial<PostgresLogOptions> = {}) {
    const logger = new RecordingLogger();
    const channels = new Channels({
      log: postgresLog({ client: pooled, createSchema: true, ...options }),
      logger,
    });
    closing.push(channels);
    return { channels, logger };
  }

  it('works by polling alone, and says so in one line', async () => {
    const [a, b] = [node(), node()];
    const viewer = new Viewer(b.channels, 'polled', { from: 'oldest' });
    await viewer.ready;
    for (let n = 0; n < 20; n++) await a.channels.channel('polled').publish(n);
    await viewer.until(19);
    expect(viewer.seen).toEqual(Array.from({ length: 20 }, (_, n) => n));
    while (b.logger.warnings.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(b.logger.warnings).toEqual([
      expect.stringMatching(
        /receives no notifications .*asks for new events every 100 ms.*give "listen" a direct connection/s,
      ),
    ]);
  });

  it('has notifications over a direct connection, and takes transactions of pooled clients', async () => {
    const { channels, logger } = node({ listen: server.url });
    const viewer = new Viewer(channels, 'direct', { from: 'oldest' });
    await viewer.ready;
    const tx = new pg.Client({ connectionString: pooled });
    await tx.connect();
    for (let n = 0; n < 10; n++) {
      await tx.query('BEGIN');
      await channels.channel('direct').publish(n, { tx });
      await tx.query(n % 2 ? 'ROLLBACK' : 'COMMIT');
    }
    await channels.channel('direct').publish('end');
    await viewer.until('end');
    expect(viewer.seen).toEqual([0, 2, 4, 6, 8, 'end']);
    expect(logger.warnings).toEqual([]);
    await tx.end();
  });

  it('keeps limits', async () => {
    const [a, b] = [0, 1].map(() => postgresSlots({ client: pooled, createSchema: true, listen: false }));
    const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };
    expect(await a!.acquire([request])).toHaveProperty('slot');
    expect(await b!.acquire([request])).toHaveProperty('full');
    await Promise.all([a!.close(), b!.close()]);
  });
}
