import { execFileSync, fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { redisLog } from 'nestjs-event-stream/redis';
import { closeApps, makeApp, until } from '../e2e/adapters.js';
import { ChatTab } from '../fixtures/ai-chat.js';
import { CHATS, ChatsController, runChats, seeded } from '../fixtures/ai-chats.js';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

const ROOT = join(import.meta.dirname, '../..');
const LEASE_MS = 1500;

await describeRedis('chats of the AI SDK on two nodes', (client) => {
  const prefix = testPrefix();
  afterEach(closeApps);
  afterAll(() => removeKeys(client, prefix));

  it('every tab shows the text of the source once, whatever node each of its requests reaches', async () => {
    const logger = new RecordingLogger();
    const node = (adapter: 'express' | 'fastify') =>
      makeApp(adapter, {
        controllers: [ChatsController],
        logger,
        forceCloseConnections: true,
        sse: { log: redisLog({ client: redisClient(client), prefix }) },
      });
    const seed = Date.now() % 1_000_000;
    const figures = await runChats(CHATS, [await node('express'), await node('fastify')], seeded(seed));
    if (process.env['CHATS']) writeSync(2, `two nodes on Redis: ${JSON.stringify(figures)}\n`);
    expect({ seed, faults: figures.faults }).toEqual({ seed, faults: [] });
    expect(figures.chats).toBe(CHATS);
    expect(logger.errors).toEqual([]);
  });
});

await describeRedis('a chat whose node is killed', (client) => {
  // Within the project, where its dependencies are found.
  const folder = mkdtempSync(join(ROOT, '.tmp-chat-'));
  const processes: ChildProcess[] = [];
  const prefix = testPrefix();

  beforeAll(() => {
    const args = [
      'node_modules/typescript7/bin/tsc',
      '-p',
      'tsconfig.build.json',
      '--outDir',
      join(folder, 'esm'),
    ];
    execFileSync(process.execPath, args, { cwd: ROOT });
  });
  afterAll(async () => {
    for (const each of processes) await kill(each);
    await removeKeys(client, prefix);
    rmSync(folder, { recursive: true, force: true });
  });

  async function start(): Promise<{ node: ChildProcess; url: string }> {
    const node = fork(join(ROOT, 'test/fixtures/ai-node.mjs'), [folder, client, prefix, String(LEASE_MS)], {
      execArgv: [],
    });
    processes.push(node);
    const [url] = (await once(node, 'message')) as [string];
    return { node, url };
  }

  async function kill(node: ChildProcess): Promise<void> {
    if (node.exitCode !== null || node.signalCode !== null) return;
    node.kill('SIGKILL');
    await once(node, 'exit');
  }

  it('keeps what was written in every tab, says that the rest is lost, and can be asked again', async () => {
    const [a, b] = [await start(), await start()];
    const id = `killed-${process.pid}`;
    const first = new ChatTab(a.url, id);
    const sent = first.sendMessage({ text: 'Hi' });
    await first.reads(40);
    const second = new ChatTab(b.url, id);
    const resumed = second.resumeStream();
    await second.reads(40);
    await kill(a.node);
    await Promise.all([sent, resumed]);
    expect(first.error?.name).toBe('TypeError');
    expect(second.error?.message).toBe('The run was interrupted.');

    const third = new ChatTab(b.url, id);
    await third.resumeStream();
    for (const tab of [second, third]) {
      const numbers = tab.text.split('. ').slice(0, -1).map(Number);
      expect(numbers).toEqual(numbers.map((_, n) => n));
      expect([tab.text.startsWith(first.text), tab.textParts, tab.status]).toEqual([true, 1, 'error']);
    }
    expect(third.text).toBe(second.text);

    const again = second.sendMessage({ text: 'Once more' });
    await until(() => second.messages.length === 3 && second.text.length > 10, 'the second answer');
    expect(await (await fetch(`${b.url}/api/chat/${id}/stream`, { method: 'DELETE' })).json()).toEqual({
      stopped: true,
    });
    await again;
    expect([second.status, second.text.slice(0, 6)]).toEqual(['ready', '0. 1. ']);
  });
});
