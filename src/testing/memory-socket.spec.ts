import { once } from 'node:events';
import { MemorySocket } from './memory-socket.js';
import { realTime } from './real-time.js';

const turns = (): Promise<void> => realTime.turns(8);
const KILOBYTE = Buffer.alloc(1024);

/** Writes until the peer takes no more. Returns the bytes that were taken. */
async function fill(socket: MemorySocket): Promise<number> {
  let written = 0;
  for (;;) {
    written += KILOBYTE.length;
    if (socket.write(KILOBYTE)) continue;
    const drained = await Promise.race([once(socket, 'drain').then(() => true), turns().then(() => false)]);
    if (!drained) return written - socket.writableLength;
  }
}

describe('MemorySocket', () => {
  it('delivers bytes in both directions, and the end of each', async () => {
    const [client, server] = MemorySocket.pair();
    client.end('request');
    server.end('answer');
    const texts = await Promise.all(
      [server, client].map(async (socket) => Buffer.concat(await socket.toArray()).toString()),
    );
    expect(texts).toEqual(['request', 'answer']);
    expect([client.bytesWritten, server.bytesRead]).toEqual([7, 7]);
  });

  it('takes bytes until its buffer is full, and more when they are read', async () => {
    const [client, server] = MemorySocket.pair();
    expect(await fill(server)).toBeLessThanOrEqual(2 * 16_384);
    const drained = once(server, 'drain');
    client.resume();
    await drained;
    await turns();
    expect(server.writableLength).toBe(0);
  });

  it('delivers what was sent before the peer was destroyed', async () => {
    const [client, server] = MemorySocket.pair();
    server.write('last words');
    server.destroy();
    expect(Buffer.concat(await client.toArray()).toString()).toBe('last words');
  });

  it('fails a write that waits for a peer that is destroyed, and every later write', async () => {
    const [client, server] = MemorySocket.pair();
    await fill(server);
    const failed = once(server, 'error');
    client.destroy();
    expect(await failed).toMatchObject([{ code: 'EPIPE' }]);
    const [other, late] = MemorySocket.pair();
    other.destroy();
    await turns();
    const written = new Promise((resolve) => late.on('error', resolve));
    late.write('late');
    expect(await written).toMatchObject({ code: 'EPIPE' });
  });

  it('tells the peer nothing after it has vanished', async () => {
    const [client, server] = MemorySocket.pair();
    const seen: string[] = [];
    for (const name of ['end', 'error', 'close']) server.on(name, () => seen.push(name));
    server.resume();
    client.vanish();
    client.resume();
    expect(await fill(server)).toBeLessThanOrEqual(2 * 16_384);
    client.write('unsent');
    client.destroy();
    await turns();
    expect([seen, server.bytesRead]).toEqual([[], 0]);
    server.destroy();
    await turns();
    expect(seen).toEqual(['close']);
  });

  it('has an address of its own', () => {
    const ports = [MemorySocket.pair(), MemorySocket.pair()].map(([, { remotePort }]) => remotePort);
    expect(new Set(ports).size).toBe(2);
  });
});
