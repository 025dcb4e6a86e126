import fc from 'fast-check';
import { AsyncLocalStorage } from 'node:async_hooks';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { Writable } from 'node:stream';
import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { SharedTimers } from '../time/shared-timers.js';
import { Slices } from '../time/slices.js';
import { Outlet } from './outlet.js';
import type { OutletListener, OutletOptions } from './outlet-host.js';
import { OverflowBudget } from './overflow-budget.js';
import { SLOW_CLIENT_DEFAULTS } from './slow-client.options.js';
import { SharedText } from './shared-text.js';

const STALL_MS = 30_000;
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Records the calls of an outlet. */
class Recorder implements OutletListener {
  readonly calls: string[] = [];
  store: unknown;
  beforeHead(): void {
    // Nothing to change.
  }
  opened(): void {
    this.store = storage.getStore();
    this.calls.push('opened');
  }
  overflowed(): void {
    this.calls.push('overflowed');
  }
  failed(): void {
    this.calls.push('failed');
  }
  refused(): void {
    this.calls.push('refused');
  }
  broken(): void {
    this.calls.push('broken');
  }
  stalled(): void {
    this.calls.push('stalled');
  }
  gone(): void {
    this.calls.push('gone');
  }
}
const storage = new AsyncLocalStorage<string>();

let clock: ManualClock;
let host: { timers: SharedTimers; flushes: Slices<{ flush(): void }>; budget: OverflowBudget };
beforeEach(() => {
  clock = new ManualClock();
  host = {
    timers: new SharedTimers(clock),
    flushes: new Slices(clock, (outlet) => outlet.flush()),
    budget: new OverflowBudget(clock, 1_000_000_000),
  };
});

function outletOf(
  response: object,
  options: Partial<OutletOptions> = {},
): { outlet: Outlet; recorder: Recorder } {
  const recorder = new Recorder();
  const all = {
    stallMs: STALL_MS,
    heartbeat: false as const,
    overflow: SLOW_CLIENT_DEFAULTS.overflow,
    ...options,
  };
  const outlet = new Outlet(host, all, response, recorder);
  outlet.watch();
  return { outlet, recorder };
}

describe('an outlet on a socket', () => {
  let server: Server;
  let client: Socket;
  let response: ServerResponse;
  let received: string[];

  beforeEach(async () => {
    server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    client = connect((server.address() as AddressInfo).port, '127.0.0.1');
    received = [];
    client.setEncoding('utf8').on('data', (text) => received.push(String(text)));
    client.on('error', () => undefined);
    client.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    [, response] = (await once(server, 'request')) as [object, ServerResponse];
  });
  afterEach(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });

  /** The invariant that the doc comment of `free` states. */
  function assertInvariant(outlet: Outlet): void {
    const { free, direct, state, blocked, pending, pendingBatch } = outlet as unknown as Record<
      string,
      unknown
    >;
    if (pendingBatch !== undefined) {
      expect([free, state, blocked, pending]).toEqual([undefined, 'open', false, '']);
    }
    if (free === undefined) return;
    expect(free).toBe(direct);
    expect([state, blocked, pending, pendingBatch]).toEqual(['open', false, '', undefined]);
  }

  async function receives(text: string): Promise<void> {
    let end = '';
    // Only what is new is searched. To search all of a large text in each turn takes longer than to receive it.
    for (let next = 0, deadline = Date.now() + 20_000; ; await turn()) {
      for (; next < received.length; next++) {
        end = end.slice(-text.length) + received[next];
        if (end.includes(text)) return;
      }
      if (Date.now() > deadline) throw new Error(`no ${JSON.stringify(text)}`);
    }
  }

  /** The body without chunk framing. */
  function body(): string {
    let text = '';
    const all = received.join('');
    let rest = all.slice(all.indexOf('\r\n\r\n') + 4);
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

  it('keeps the invariant of `free`, and sends everything in order, for any sequence of writes', async () => {
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
          // Other connections use up the writes of this turn.
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

  it('sends a batch for which this turn had no room before later blocks, and before the end', async () => {
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

  it.each([[['one,']], [['one,', 'two,']]])(
    'sends %j in the next turn if this one had no room for it and nothing follows',
    async (texts) => {
      const { outlet } = outletOf(response);
      outlet.push('head,');
      await turn();
      for (let i = 0; i < 2000; i++) host.flushes.admits();
      for (const text of texts) outlet.batch(new SharedText(text, 1));
      await turn();
      await receives(texts.join(''));
      assertInvariant(outlet);
      expect(body()).toBe(`:\nhead,${texts.join('')}`);
    },
  );

  describe('that has ended', () => {
    it.each([
      ['was behind before', 2],
      ['falls behind with the last write', 1],
    ])('is reported as stalled if its client does not read and %s', async (_what, writes) => {
      client.pause();
      const { outlet, recorder } = outletOf(response);
      outlet.open();
      await turn();
      for (let i = 0; i < writes; i++) outlet.push('x'.repeat(20_000_000));
      outlet.end();
      for (let i = 0; i < 20; i++) await turn();
      clock.advance(STALL_MS - 1);
      expect(recorder.calls).toEqual(['opened']);
      clock.advance(STALL_MS / 2);
      expect(recorder.calls).toEqual(['opened', 'stalled']);
    });

    it('is not reported as stalled if its client reads on, and leaves no timer', async () => {
      const { outlet, recorder } = outletOf(response);
      outlet.push('x'.repeat(20_000_000));
      outlet.end();
      await receives('\r\n0\r\n');
      while (!response.closed) await turn();
      outlet.closed();
      expect([recorder.calls.includes('stalled'), host.timers.size, host.budget.bytes]).toEqual([
        false,
        0,
        0,
      ]);
    });
  });
});

describe('an outlet on a mock response', () => {
  /** Accepts every write immediately, and never finishes. */
  class Endless extends Writable {
    readonly headersSent = true;
    readonly socket = new Writable();
    readonly req = { httpVersionMajor: 1, socket: this.socket };
    constructor() {
      super({ write: (_chunk, _encoding, done) => done(), final: () => undefined });
    }
  }

  it('is reported as gone after its end if nothing is left to send, although the response never finishes', async () => {
    const { outlet, recorder } = outletOf(new Endless());
    outlet.push('data: last\n\n');
    await turn();
    outlet.end();
    await turn();
    expect(outlet.unsent()).toBe(0);
    clock.advance(250);
    expect(recorder.calls).toEqual(['opened', 'gone']);
    outlet.closed();
    clock.advance(STALL_MS * 1.5);
    expect(recorder.calls).toEqual(['opened', 'gone']);
  });

  it('writes the same bytes of a batch for every connection, in this turn or the next', async () => {
    const written: unknown[] = [];
    class Recording extends Endless {
      override write(chunk: unknown): boolean {
        written.push(chunk);
        return super.write(chunk);
      }
    }
    const outlets = [1, 2].map(() => outletOf(new Recording()).outlet);
    for (const outlet of outlets) outlet.open();
    await turn();
    written.length = 0;
    const [now, later] = [new SharedText('now', 1), new SharedText('later', 1)];
    for (const outlet of outlets) outlet.batch(now);
    expect(written).toEqual([now.bytes, now.bytes]);
    expect(written.every((chunk) => chunk === now.bytes)).toBe(true);
    for (let i = 0; i < 2000; i++) host.flushes.admits();
    written.length = 0;
    for (const outlet of outlets) outlet.batch(later);
    expect(written).toEqual([]);
    for (let i = 0; i < 3; i++) await turn();
    expect(written.map((chunk) => chunk === later.bytes)).toEqual([true, true]);
  });

  it('sends its head in the async context of its own request', async () => {
    const recorders = ['a', 'b', 'c'].map((name) =>
      storage.run(name, () => {
        const made = outletOf(new Endless());
        made.outlet.push('data: 1\n\n');
        return made.recorder;
      }),
    );
    await turn();
    expect(recorders.map(({ store }) => store)).toEqual(['a', 'b', 'c']);
  });
});
