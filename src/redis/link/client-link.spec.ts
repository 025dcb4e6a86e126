import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { ClientLink } from './client-link.js';
import type { ServerClient, ServerClientEvents } from './server-client.js';

class FakeClient implements ServerClient {
  isReady = false;
  readonly calls: string[] = [];
  answer: (command: readonly string[]) => Promise<unknown> = () => Promise.resolve('OK');

  constructor(readonly events: ServerClientEvents) {}

  connect = () => void this.calls.push('connect');
  ping = () => Promise.resolve('PONG');
  subscribe = () => Promise.resolve();
  unsubscribe = () => Promise.resolve();
  send = (command: readonly string[]) => this.answer(command);
  destroy(): void {
    this.isReady = false;
    this.calls.push('destroy');
  }
  becomeReady(): void {
    this.isReady = true;
    this.events.ready();
  }
}

/** An open link. `seen` has what it reports. */
function opened() {
  const clients: FakeClient[] = [];
  const seen: unknown[] = [];
  const link = new ClientLink(
    {
      address: 'Redis at localhost:6379',
      sweepMs: 5,
      make: (events) => {
        const client = new FakeClient(events);
        clients.push(client);
        return client;
      },
    },
    {
      up: () => seen.push('up'),
      down: (error) => seen.push(error),
      message: (channel, text) => seen.push(`${channel}: ${text}`),
    },
    new ManualClock(),
    false,
  );
  link.open();
  const [commands, subscriber] = clients as [FakeClient, FakeClient];
  return { link, commands, subscriber, seen };
}

describe('a link to one server', () => {
  it('is up once both connections are ready, and has the last error until then', () => {
    const { link, commands, subscriber, seen } = opened();
    commands.events.failed('refused');
    commands.becomeReady();
    expect([link.up, link.error, seen]).toEqual([false, 'refused', ['refused']]);
    subscriber.becomeReady();
    expect([link.up, link.error, seen]).toEqual([true, undefined, ['refused', 'up']]);
    subscriber.events.message('a', 'text');
    expect(seen.at(-1)).toBe('a: text');
  });

  it('connects both again if the server has become a replica', async () => {
    const { link, commands, subscriber, seen } = opened();
    for (const client of [commands, subscriber]) client.becomeReady();
    const error = new Error("READONLY You can't write against a read only replica.");
    commands.answer = () => Promise.reject(error);
    await expect(link.send('key', ['SET'])).rejects.toBe(error);
    expect([commands.calls, subscriber.calls]).toEqual([
      ['connect', 'destroy', 'connect'],
      ['connect', 'destroy', 'connect'],
    ]);
    expect([link.up, link.error, seen]).toEqual([false, error, ['up', error, error]]);
  });

  it('keeps its connections after any other error', async () => {
    const { link, commands, subscriber } = opened();
    for (const client of [commands, subscriber]) client.becomeReady();
    commands.answer = () => Promise.reject(new Error('ERR unknown command'));
    await expect(link.send('key', ['SET'])).rejects.toThrow('ERR unknown command');
    expect([link.up, commands.calls, subscriber.calls]).toEqual([true, ['connect'], ['connect']]);
  });

  it('reports and connects nothing after it was closed', async () => {
    const { link, commands, subscriber, seen } = opened();
    for (const client of [commands, subscriber]) client.becomeReady();
    let fail: (error: Error) => void = () => undefined;
    commands.answer = () => new Promise((_, reject) => (fail = reject));
    const answer = link.send('key', ['SET']);
    link.close();
    for (const client of [commands, subscriber]) client.becomeReady();
    commands.events.failed('late');
    fail(new Error('READONLY no'));
    await expect(answer).rejects.toThrow('READONLY');
    expect(seen).toEqual(['up']);
    expect(commands.calls).toEqual(['connect', 'destroy']);
  });
});
