import { SseError, memoryLog, type Fold, type LogSnapshots } from 'nestjs-event-stream';
import { ManualClock } from '../../../test/fixtures/manual-clock.js';
import { toRecord } from '../../log/log-record.js';
import { ChannelFold } from './channel-fold.js';
import { Folds } from './folds.js';

const sum: Fold<number, number> = {
  initial: 0,
  step: (state, { data }) => state + data,
  toEvents: (state) => state,
  every: 10,
};

const turns = async (count = 10) => {
  for (let i = 0; i < count; i++) await new Promise(setImmediate);
};

/** The states of a log behind a network. `calls` has each call, and the answers arrive with `answer()`. */
class RemoteStates implements LogSnapshots {
  readonly calls: string[] = [];
  down = false;
  private waiting: { name: string; resolve: () => void }[] = [];

  constructor(private readonly states: LogSnapshots) {}

  read: LogSnapshots['read'] = (channel, fold) => this.call('read', () => this.states.read(channel, fold));
  position: LogSnapshots['position'] = (channel, fold) => {
    // The database has read it before later calls, however late the answer arrives.
    const position = this.states.position(channel, fold);
    return this.call('position', () => position);
  };
  write: LogSnapshots['write'] = (channel, fold, snapshot, replaces) =>
    this.call(`write ${snapshot.state}`, () => this.states.write(channel, fold, snapshot, replaces));

  /** Answers all calls except those of this name, and the calls that they lead to. Returns the calls since the last time. */
  async answer(except?: string): Promise<string[]> {
    for (;;) {
      const waiting = this.waiting.filter(({ name }) => name !== except);
      if (waiting.length === 0) return this.calls.splice(0);
      this.waiting = this.waiting.filter(({ name }) => name === except);
      for (const { resolve } of waiting) resolve();
      await turns();
    }
  }

  private async call<V>(name: string, ask: () => V | Promise<V>): Promise<V> {
    this.calls.push(name);
    await new Promise<void>((resolve) => this.waiting.push({ name, resolve }));
    if (this.down) throw new SseError('SSE_LOG_UNAVAILABLE', 'The network is down.');
    return ask();
  }
}

/** A channel with a fold on several nodes. */
function cluster({ maxEvents = 1000, fold = sum }: { maxEvents?: number; fold?: Fold<number, number> } = {}) {
  const clock = new ManualClock();
  const log = memoryLog({ maxEvents });
  const failures: unknown[] = [];
  const node = () => {
    const states = new RemoteStates(log.snapshots);
    let idle = 0;
    const made = new ChannelFold({
      ...{ channel: 'a', key: 'sum@1', fold, log, store: states, clock },
      parse: JSON.parse,
      serialize: undefined,
      failed: (error) => failures.push(error),
      idle: () => idle++,
    });
    return { fold: made, states, idle: () => idle };
  };
  const append = async (count: number) => {
    await log.append(
      'a',
      Array.from({ length: count }, () => toRecord(1, undefined)),
    );
    await turns();
  };
  const stored = async () => (await log.snapshots.read('a', 'sum@1'))?.state;
  return { clock, log, failures, node, append, stored };
}

describe('the fold of a channel', () => {
  it('leads immediately if no state is stored, and stores each event after a second at the latest', async () => {
    const { clock, node, append } = cluster();
    const { fold, states } = node();
    const release = fold.hold();
    expect(await states.answer()).toEqual(['position', 'read']);
    await append(3);
    clock.advance(999);
    expect(await states.answer()).toEqual([]);
    clock.advance(1);
    expect(await states.answer()).toEqual(['write 3']);
    await append(9);
    expect(await states.answer()).toEqual([]);
    await append(1);
    expect(await states.answer()).toEqual(['write 13']);
    release();
    expect([await states.answer(), clock.size]).toEqual([[], 0]);
  });

  it('leads if the stored state has not moved for three seconds, and continues it', async () => {
    const { clock, node, append, stored } = cluster();
    const [first, second] = [node(), node()];
    const die = first.fold.hold();
    await first.states.answer();
    await append(10);
    expect(await first.states.answer()).toEqual(['write 10']);
    second.fold.hold();
    expect(await second.states.answer()).toEqual(['position']);
    die();
    await append(1);
    clock.advance(2999);
    expect(await second.states.answer()).toEqual([]);
    clock.advance(1);
    expect(await second.states.answer()).toEqual(['position', 'read']);
    clock.advance(1000);
    expect([await second.states.answer(), await stored()]).toEqual([['write 11'], '11']);
  });

  it('continues the state that another node has stored since it was read', async () => {
    const { clock, node, append, stored } = cluster();
    const [first, second] = [node(), node()];
    const die = first.fold.hold();
    await first.states.answer();
    await append(10);
    await first.states.answer();
    const reading = second.fold.state();
    await second.states.answer();
    expect((await reading)?.records).toHaveLength(1);
    await append(10);
    expect(await first.states.answer()).toEqual(['write 20']);
    die();
    second.fold.hold();
    expect(await second.states.answer()).toEqual(['position']);
    await append(1);
    clock.advance(3000);
    expect([await second.states.answer(), await stored()]).toEqual([['position', 'write 21'], '21']);
  });

  it('does not lead while another node does, and asks again after many changes or three seconds', async () => {
    const { clock, node, append } = cluster();
    const [first, second] = [node(), node()];
    first.fold.hold();
    await first.states.answer();
    await append(10);
    await first.states.answer();
    second.fold.hold();
    await second.states.answer();
    for (let i = 0; i < 18; i++) await append(1);
    await first.states.answer();
    expect(await second.states.answer()).toEqual([]);
    await append(1);
    expect(await second.states.answer()).toEqual(['position']);
    for (let i = 0; i < 5; i++) {
      await append(10);
      await first.states.answer();
      clock.advance(3000);
      expect(await second.states.answer()).toEqual(['position']);
    }
    clock.advance(60_000);
    expect([await second.states.answer(), second.states.calls]).toEqual([[], []]);
  });

  it('stops leading if another node has stored a state', async () => {
    const { clock, node, append, stored } = cluster();
    const [first, second] = [node(), node()];
    first.fold.hold();
    second.fold.hold();
    // Both find no state.
    await first.states.answer();
    await second.states.answer();
    await append(10);
    expect([await first.states.answer(), await second.states.answer()]).toEqual([['write 10'], ['write 10']]);
    await append(10);
    expect([await first.states.answer(), await second.states.answer()]).toEqual([['write 20'], []]);
    clock.advance(3000);
    expect([await second.states.answer(), await stored()]).toEqual([['position'], '20']);
  });

  it('does nothing more if it is released while it looks for another node', async () => {
    const { clock, node, append } = cluster();
    const { fold, states, idle } = node();
    fold.hold()();
    expect([idle(), await states.answer()]).toEqual([1, ['position']]);
    await append(30);
    clock.advance(60_000);
    expect([await states.answer(), clock.size]).toEqual([[], 0]);
  });

  it('that nobody else leads keeps the lead when the answer to an earlier question arrives', async () => {
    const { node, append, stored } = cluster();
    const { fold, states } = node();
    fold.hold();
    fold.hold(true);
    await append(10);
    expect(await states.answer('position')).toEqual(['position', 'read', 'write 10']);
    expect(await states.answer()).toEqual([]);
    await append(10);
    expect([await states.answer(), await stored()]).toEqual([['write 20'], '20']);
  });

  it('is held until each holder has released it, and stores the rest then', async () => {
    const { node, append, stored } = cluster();
    const { fold, states, idle } = node();
    const [first, second] = [fold.hold(), fold.hold()];
    await states.answer();
    await append(3);
    first();
    first();
    expect([fold.held, idle(), await states.answer()]).toEqual([true, 0, []]);
    second();
    expect([fold.held, idle(), await states.answer()]).toEqual([false, 1, ['write 3']]);
    expect(await stored()).toBe('3');
    await append(10);
    expect(await states.answer()).toEqual([]);
  });

  it('is held for ten seconds after the last publish', async () => {
    const { clock, node } = cluster();
    const { fold, states } = node();
    fold.published();
    clock.advance(6000);
    fold.published();
    await states.answer();
    clock.advance(9999);
    expect(fold.held).toBe(true);
    clock.advance(1);
    expect([fold.held, clock.size]).toEqual([false, 0]);
  });

  it('stores its state again after an outage, and reports none', async () => {
    const { clock, node, append, stored, failures } = cluster();
    const { fold, states } = node();
    fold.hold();
    await states.answer();
    states.down = true;
    await append(10);
    expect(await states.answer()).toEqual(['write 10']);
    states.down = false;
    clock.advance(1000);
    expect([await states.answer(), await stored(), failures]).toEqual([['write 10'], '10', []]);
  });

  it('does not lead without the events that no state includes, and tries again later', async () => {
    const { clock, node, append, stored } = cluster({ maxEvents: 5 });
    await append(9);
    const { fold, states } = node();
    fold.hold();
    expect(await states.answer()).toEqual(['position', 'read']);
    await append(1);
    expect(await states.answer()).toEqual([]);
    clock.advance(3000);
    expect([await states.answer(), await stored()]).toEqual([['position', 'read'], undefined]);
  });

  it('keeps publishers waiting while 40 events or more are not stored', async () => {
    const { node, append } = cluster();
    const { fold, states } = node();
    fold.hold(true);
    await states.answer();
    await append(39);
    let settled = 0;
    await fold.settle().then(() => settled++);
    expect(settled).toBe(1);
    states.calls.splice(0);
    await append(40);
    void fold.settle().then(() => settled++);
    await turns();
    expect([settled, states.calls]).toEqual([1, []]);
    await states.answer();
    expect(settled).toBe(2);
  });
});

describe('the folds of a process', () => {
  const node = () =>
    new Folds({
      log: memoryLog(),
      clock: new ManualClock(),
      parse: JSON.parse,
      serialize: undefined,
      logger: undefined,
    });

  it('are forgotten when nobody holds them', async () => {
    const folds = node();
    const first = folds.get(sum as Fold, { channel: 'a' });
    const release = first.hold();
    expect(folds.get(sum as Fold, { channel: 'a' })).toBe(first);
    release();
    expect(folds.get(sum as Fold, { channel: 'a' })).not.toBe(first);
    await folds.close();
  });

  it('are held by a subscription until it ends', async () => {
    const folds = node();
    const channels = [{ channel: 'a' }, { channel: 'b' }];
    const held = () => channels.map((channel) => folds.get(sum as Fold, channel).held);
    const [first, second] = [folds.source(sum as Fold, channels), folds.source(sum as Fold, channels)];
    first.open?.();
    second.open?.();
    first.close?.();
    expect(held()).toEqual([true, true]);
    second.close?.();
    expect(held()).toEqual([false, false]);
    await folds.close();
  });
});
