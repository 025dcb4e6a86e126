import { Channels, SseError } from 'nestjs-event-stream';
import { postgresLog, postgresSlots } from 'nestjs-event-stream/postgres';
import { execFileSync } from 'node:child_process';
import { chownSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { describePostgresServer, runSql, withoutPostgres } from '../fixtures/postgres.js';
import { PostgresServer } from '../fixtures/postgres-server.mjs';
import { Viewer } from '../redis/viewer.js';

const NAME = 'postgresLog on a disk that is full';
const BIG = 'x'.repeat(200_000);

if (canMount()) describePostgresServer(NAME, suite);
else withoutPostgres(NAME, 'Run as a user who can mount a file system.');

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'sse-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function suite(): void {
  let server: PostgresServer;
  let disk: string;
  let mounted = false;
  const closing: { close(): unknown }[] = [];

  beforeAll(async () => {
    server = await PostgresServer.start();
    disk = join(server.folder, 'small');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]);
    mounted = true;
    const { uid, gid } = server.user;
    if (uid !== undefined && gid !== undefined) chownSync(disk, uid, gid);
    await runSql(server.url, `CREATE TABLESPACE small LOCATION '${disk}'`);
    await runSql(server.url, 'CREATE DATABASE app TABLESPACE small');
  });
  afterEach(async () => {
    await Promise.all(closing.splice(0).map((each) => each.close()));
    rmSync(filler(), { force: true });
  });
  afterAll(async () => {
    await server.kill();
    if (mounted) execFileSync('umount', [disk]);
    await server.remove();
  });

  const url = (): string => server.url.replace(/postgres$/, 'app');

  const filler = (): string => join(disk, 'filler');

  /** Takes all the room on the disk. Pages of tables that have room can still be written. */
  function fill(): void {
    const file = openSync(filler(), 'w');
    try {
      for (const bytes of [65_536, 512]) {
        const block = Buffer.alloc(bytes);
        for (let isFull = false; !isFull;) {
          try {
            writeSync(file, block);
          } catch (error) {
            expect((error as NodeJS.ErrnoException).code).toBe('ENOSPC');
            isFull = true;
          }
        }
      }
    } finally {
      closeSync(file);
    }
  }

  it('rejects events with the reason, serves viewers, and goes on without a loss when there is room', async () => {
    const open = (waitMs: number) => {
      const logger = new RecordingLogger();
      const log = postgresLog({ client: url(), createSchema: true, waitMs });
      const channels = new Channels({ log, logger });
      closing.push(channels);
      return { logger, channels };
    };
    const [hasty, patient] = [open(300), open(60_000)];
    const first = await patient.channels.channel('c').publish('first');
    await patient.channels.channel('c').publish('second');
    const viewer = new Viewer(patient.channels, 'c', { after: first });
    await viewer.until('second');
    const late = new Viewer(hasty.channels, 'c', { from: 'oldest' });
    await late.until('second');

    fill();
    // An attempt can be under way when the time is up. Whether that one succeeds is not known, so the next one is asked.
    let refusal: unknown;
    do
      refusal = await hasty.channels
        .channel('c')
        .publish(BIG)
        .catch((error: unknown) => error);
    while (refusal instanceof SseError && refusal.message.includes('may have been published'));
    expect(refusal).toMatchObject({
      code: 'SSE_LOG_UNAVAILABLE',
      message: expect.stringMatching(/not published.*No space left on device/) as string,
    });
    const waiting = patient.channels.channel('c').publish(`${BIG}!`);
    const later = new Viewer(hasty.channels, 'c', { from: 'oldest' });
    await later.until('second');
    expect(hasty.channels.health().status).toBe('up');

    rmSync(filler());
    await waiting;
    await patient.channels.channel('c').publish('last');
    await Promise.all([viewer, late, later].map((each) => each.until('last')));
    expect(viewer.seen).toEqual(['second', `${BIG}!`, 'last']);
    for (const { seen } of [late, later]) expect(seen).toEqual(['first', 'second', `${BIG}!`, 'last']);
    for (const { logger } of [hasty, patient]) expect(logger.warnings.length).toBeLessThanOrEqual(1);
  });

  it('keeps a limit: a place that is taken is not given to another node', async () => {
    const slots = [0, 1].map(() => postgresSlots({ client: url(), createSchema: true, whileAway: 'refuse' }));
    closing.push(...slots);
    const request = { key: 'k', max: 1, replaceOldest: false, onReplaced: () => undefined };
    const held = await slots[0]!.acquire([request]);
    expect(held).toHaveProperty('slot');
    fill();
    // The statement may need room, or not.
    const answer = await slots[1]!.acquire([request]).catch((error: unknown) => error);
    expect(answer).toMatchObject(
      answer instanceof Error ? { code: 'SSE_LOG_UNAVAILABLE' } : { full: expect.anything() as unknown },
    );
    rmSync(filler());
    if ('slot' in held) held.slot.release();
  });
}
