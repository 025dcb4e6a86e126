import fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from '../time/shared-timers.js';
import { Flushes } from './flushes.js';
import { Outlet } from './outlet.js';
import type { OutletListener, OutletOptions } from './outlet-host.js';
import { OverflowBudget } from './overflow-budget.js';
import { SLOW_CLIENT_DEFAULTS } from './slow-client.options.js';
import { SharedText } from './shared-text.js';

const STALL_MS = 30_000;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What became of an outlet, in words. */
class Told implements OutletListener {
  readonly words: string[] = [];
  store: unknown;
  beforeHead(): void {
    // Nothing to change.
  }
  opened(): void {
    this.store = storage.getStore();
    this.words.push('opened');
  }
  overflowed(): void {
    this.words.push('overflowed');
  }
  failed(): void {
    this.words.push('failed');
  }
  refused(): void {
    this.words.push('refused');
  }
  broken(): void {
    this.words.push('broken');
  }
  stalled(): void {
    this.words.push('stalled');
  }
  gone(): void {
    this.words.push('gone');
  }
}
const storage = new AsyncLocalStorage<string>();

let clock: ManualClock;
let host: { timers: SharedTimers; flushes: Flushes; budget: OverflowBudget };
beforeEach(() => {
  clock = new ManualClock();
  host = {
    timers: new SharedTimers(clock),
    flushes: new Flushes(clock),
    budget: new OverflowBudget(clock, 1_000_000_000),
  };
});

function outletOf(response: object, options: Partial<OutletOptions> = {}): { outlet: Outlet; told: Told } {
  const told = new Told();
  const all = {
    stallMs: STALL_MS,
    heartbeat: false as const,
    overflow: SLOW_CLIENT_DEFAULTS.overflow,
    ...options,
  };
  const outlet = new Outlet(host, all, response, told);
  outlet.watch();
  return { outlet, told };
}

describe('an outlet on a socket', () => {
  let server: Server;
  let client: Socket;
  let response: ServerResponse;
  let received: string;

  beforeEach(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    received = '';
    client.setEncoding('utf8').on('data', (text) => (received += String(text)));
    client.on('error', () => undefined);
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    [, response] = (await once(server, 'request')) as [object, ServerResponse];
  });
  afterEach(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });

  /** What is written on `free`. */
  function assertInvariant(outlet: Outlet): void {
    const { free, direct, state, blocked, pending, held } = outlet as unknown as Record<string, unknown>;
    if (held !== undefined) expect([free, state, blocked, pending]).toEqual([undefined, 'open', false, '']);
    if (free === undefined) return;
    expect(free).toBe(direct);
    expect([state, blocked, pending, held]).toEqual(['open', false, '', undefined]);
  }

  async function receives(text: string): Promise<void> {
    for (const deadline = Date.now() + 20_000; !received.includes(text); await turn()) {
      if (Date.now() > deadline) throw new Error(`no ${JSON.stringify(text)}`);
    }
  }

  /** The body without the framing of chunks. */
  function body(): string {
    let text = '';
    let rest = received.slice(received.indexOf('\r\n\r\n') + 4);
    for (let end = rest.indexOf('\r\n'); end > 0; end = rest.indexOf('\r\n')) {
      const length = Number.parseInt(rest.slice(0, end), 16);
      text += rest.slice(end + 2, end + 2 + length);
      rest = rest.slice(end + 4 + length);
    }
    return text;
  }

  const action = fc.oneof(
    fc.record({ act: fc.constantFrom('push', 'batch'), size: fc.constantFrom(3, 1000, 20_000) }),
    fc.record({ act: fc.constantFrom('turn', 'pause', 'resume', 'busy', 'open'), size: fc.constant(0) }),
  );

  it('keeps to what is written on `free`, and sends everything in its order, whatever is written when', async () => {
    const { outlet } = outletOf(response, { stallMs: false });
    let sent = '';
    let number = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        for (const { act, size } of actions) {
          const text = `${number++}${'.'.repeat(size)}`;
          if (act === 'push' || act === 'batch') sent += text;
          if (act === 'push') outlet.push(text);
          else if (act === 'batch') outlet.batch(new SharedText(text, 1));
          else if (act === 'turn') await turn();
          else if (act === 'pause') client.pause();
          else if (act === 'resume') client.resume();
          else if (act === 'open') outlet.open();
          // Others have written all that this turn has room for.
          else for (let i = 0; i < 2000; i++) host.flushes.admits();
          assertInvariant(outlet);
        }
        await turn();
        assertInvariant(outlet);
      }),
      { numRuns: 100 },
    );
    client.resume();
    outlet.push('the end');
    await receives('the end');
    expect(body()).toBe(`:\n${sent}the end`);
  });

  it('sends what this turn had no room for before what comes later, and before its end', async () => {
    const { outlet } = outletOf(response);
    outlet.push('head,');
    await turn();
    for (let i = 0; i < 2000; i++) host.flushes.admits();
    outlet.batch(new SharedText('held,', 1));
    expect(outlet.queuedBytes).toBe(5);
    assertInvariant(outlet);
    outlet.batch(new SharedText('joined,', 1));
    outlet.push('pushed,');
    outlet.end();
    await receives('\r\n0\r\n');
    expect(body()).toBe(':\nhead,held,joined,pushed,');
    expect(outlet.events).toBe(2);
  });

  describe('whose client does not read the end', () => {
    it.each([
      ['was behind before', 2],
      ['was not', 1],
    ])('is reported as stalled, where the client %s', async (_what, writes) => {
      client.pause();
      const { outlet, told } = outletOf(response);
      outlet.open();
      await turn();
      for (let i = 0; i < writes; i++) outlet.push('x'.repeat(20_000_000));
      outlet.end();
      for (let i = 0; i < 20; i++) await turn();
      clock.advance(STALL_MS - 1);
      expect(told.words).toEqual(['opened']);
      clock.advance(STALL_MS / 2);
      expect(told.words).toEqual(['opened', 'stalled']);
    });

    it('is not, where the client reads on, and leaves no timer', async () => {
      const { outlet, told } = outletOf(response);
      outlet.push('x'.repeat(20_000_000));
      outlet.end();
      await receives('\r\n0\r\n');
      while (!response.closed) await turn();
      outlet.closed();
      expect([told.words.includes('stalled'), host.timers.size, host.budget.bytes]).toEqual([false, 0, 0]);
    });
  });
});

describe('an outlet on a response of any kind', () => {
  /** Takes everything at once, and never says that it has finished. */
  class Endless extends Writable {
    readonly headersSent = true;
    readonly socket = new Writable();
    readonly req = { httpVersionMajor: 1, socket: this.socket };
    constructor() {
      super({ write: (_chunk, _encoding, done) => done(), final: () => undefined });
    }
  }

  it('is over where nothing is left to send, and the response never finishes', async () => {
    const { outlet, told } = outletOf(new Endless());
    outlet.push('data: last\n\n');
    await turn();
    outlet.end();
    await turn();
    expect(outlet.unsent()).toBe(0);
    clock.advance(250);
    expect(told.words).toEqual(['opened', 'gone']);
    outlet.closed();
    clock.advance(STALL_MS * 1.5);
    expect(told.words).toEqual(['opened', 'gone']);
  });

  it('has its head go out in the async context of its own request', async () => {
    const told = ['a', 'b', 'c'].map((name) =>
      storage.run(name, () => {
        const made = outletOf(new Endless());
        made.outlet.push('data: 1\n\n');
        return made.told;
      }),
    );
    await turn();
    expect(told.map(({ store }) => store)).toEqual(['a', 'b', 'c']);
  });
});
