import * as fc from 'fast-check';
import type { Slot, SlotRequest, SlotStore } from 'nestjs-event-stream';

/** Each key has one limit, as in an application. */
const KEYS = {
  one: { max: 1, replaceOldest: true },
  two: { max: 2, replaceOldest: false },
  three: { max: 3, replaceOldest: true },
  lock: { max: 1, replaceOldest: false },
};
export type Key = keyof typeof KEYS;
export const NAMES = Object.keys(KEYS) as Key[];
export const LEASE_MS = 60_000;

export interface Holder {
  name: number;
  node: number;
  slot: Slot | undefined;
  /** The keys under which it holds a place, by the model. */
  keys: Set<Key>;
}
interface Entry {
  holder: Holder;
  /** Its time is up, and nobody has noticed. */
  expired: boolean;
}

/** The rules that both kinds of store follow, as plainly as possible. */
class Model {
  /** The entries of the store under each key, oldest first. */
  readonly entries = new Map<Key, Entry[]>(NAMES.map((key) => [key, []]));
  readonly holders: Holder[] = [];
  readonly replaced: number[] = [];
  /** The order in which grants were made, which a lease that is granted again keeps. */
  private readonly order = new Map<Holder, number>();

  acquire(holder: Holder, keys: readonly Key[]): Key | undefined {
    for (const key of keys) {
      this.dropExpired(key);
      if (!KEYS[key].replaceOldest && this.of(key).length >= KEYS[key].max) return key;
    }
    const evicted: Holder[] = [];
    this.order.set(holder, this.order.size);
    for (const key of keys) {
      const entries = this.of(key);
      while (entries.length >= KEYS[key].max) evicted.push(entries.shift()!.holder);
      entries.push({ holder, expired: false });
      holder.keys.add(key);
    }
    this.holders.push(holder);
    for (const each of evicted) this.replace(each);
    return undefined;
  }

  release(holder: Holder): void {
    for (const key of holder.keys) this.remove(key, holder);
    holder.keys.clear();
  }

  renew(node: number): void {
    const gone: Holder[] = [];
    for (const key of NAMES) {
      const entries = this.of(key);
      const own = this.holders.filter((holder) => holder.node === node && holder.keys.has(key));
      // Without a lease under the key there is nothing to renew.
      if (own.length === 0) continue;
      for (const entry of entries) if (own.includes(entry.holder)) entry.expired = false;
      this.dropExpired(key);
      for (const holder of own) {
        if (entries.some((entry) => entry.holder === holder)) continue;
        if (entries.length < KEYS[key].max) entries.push({ holder, expired: false });
        else gone.push(holder);
      }
      entries.sort((a, b) => this.order.get(a.holder)! - this.order.get(b.holder)!);
    }
    for (const holder of gone) this.replace(holder);
  }

  expire(holder: Holder): void {
    for (const key of NAMES)
      for (const entry of this.of(key)) if (entry.holder === holder) entry.expired = true;
  }

  lose(holder: Holder): void {
    for (const key of NAMES) this.remove(key, holder);
  }

  of(key: Key): Entry[] {
    return this.entries.get(key)!;
  }

  private replace(holder: Holder): void {
    // A process that has died receives nothing, and holds its other places until they expire.
    if (holder.node < 0 || holder.keys.size === 0) return;
    this.replaced.push(holder.name);
    this.release(holder);
  }

  private remove(key: Key, holder: Holder): void {
    this.entries.set(
      key,
      this.of(key).filter((entry) => entry.holder !== holder),
    );
  }

  private dropExpired(key: Key): void {
    const kept = this.of(key).filter(({ expired }) => !expired);
    this.of(key).splice(0, Infinity, ...kept);
  }
}

/** A kind of store, with what can be done to it. */
export interface System {
  store(node: number): SlotStore;
  /** The names of the holders under each key, oldest first. */
  state(): Promise<Record<Key, number[]>>;
  granted?(holder: Holder, node: number): Promise<void>;
  expire?(holder: Holder): Promise<void>;
  lose?(holder: Holder): Promise<void>;
  renew?(node: number): void | Promise<void>;
  die?(node: number): void | Promise<void>;
  close(): Promise<void>;
}

interface Real {
  system: System;
  replaced: number[];
  names: number;
}
type Command = fc.AsyncCommand<Model, Real, true>;

/** Waits until the system is what the model says. */
async function agree(model: Model, { system, replaced }: Real): Promise<void> {
  const expected = Object.fromEntries(
    NAMES.map((key) => [key, model.of(key).map(({ holder }) => holder.name)]),
  );
  const told = [...model.replaced].sort((a, b) => a - b);
  const deadline = Date.now() + 3000;
  for (;;) {
    const actual = { state: await system.state(), told: [...replaced].sort((a, b) => a - b) };
    try {
      expect(actual).toEqual({ state: expected, told });
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise(setImmediate);
    }
  }
}

class Acquire implements Command {
  constructor(
    readonly node: number,
    readonly keys: readonly Key[],
  ) {}
  check = async () => true;
  async run(model: Model, real: Real): Promise<void> {
    const holder: Holder = { name: real.names++, node: this.node, slot: undefined, keys: new Set() };
    // The library ends a connection that was replaced.
    let over = false;
    const onReplaced = (): void => {
      if (!over) real.replaced.push(holder.name);
      over = true;
      holder.slot?.release();
    };
    const requests: SlotRequest[] = this.keys.map((key) => ({ key, ...KEYS[key], onReplaced }));
    const answer = await real.system.store(this.node).acquire(requests);
    const full = model.acquire(holder, this.keys);
    expect('full' in answer ? answer.full.key : undefined).toBe(full);
    if ('slot' in answer) {
      holder.slot = answer.slot;
      await real.system.granted?.(holder, this.node);
    }
    await agree(model, real);
  }
  toString = () => `acquire(node ${this.node}: ${this.keys.join(', ')})`;
}

/** Something that happens to one of the holders. */
class ToHolder implements Command {
  constructor(
    readonly what: 'release' | 'expire' | 'lose',
    readonly nth: number,
  ) {}
  check = async ({ holders }: Readonly<Model>) => holders.length > 0;
  async run(model: Model, real: Real): Promise<void> {
    const holder = model.holders[this.nth % model.holders.length]!;
    if (this.what !== 'release') await real.system[this.what]?.(holder);
    else if (holder.node >= 0) holder.slot?.release();
    else return;
    model[this.what](holder);
    await agree(model, real);
  }
  toString = () => `${this.what}(${this.nth})`;
}

class ToNode implements Command {
  constructor(
    readonly what: 'renew' | 'die',
    readonly node: number,
  ) {}
  check = async () => true;
  async run(model: Model, real: Real): Promise<void> {
    await real.system[this.what]?.(this.node);
    if (this.what === 'renew') model.renew(this.node);
    else for (const holder of model.holders) if (holder.node === this.node) holder.node = -1;
    await agree(model, real);
  }
  toString = () => `${this.what}(node ${this.node})`;
}

const acquiring = fc
  .tuple(fc.nat(1), fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }))
  .map(([node, keys]) => new Acquire(node, keys));
const releasing = fc.nat(20).map((nth) => new ToHolder('release', nth));
/** Steps that happen to leases, and to processes. */
export const failing = [
  fc
    .tuple(fc.constantFrom('expire' as const, 'lose' as const), fc.nat(20))
    .map((args) => new ToHolder(...args)),
  fc
    .tuple(fc.constantFrom('renew' as const, 'renew' as const, 'die' as const), fc.nat(1))
    .map((args) => new ToNode(...args)),
];

/** The properties of each kind of store. */
export function slotModelSuite(make: () => Promise<System>, faults: typeof failing, numRuns: number): void {
  it('grants, refuses, evicts and frees places as the model says', async () => {
    const commands = fc.commands<Model, Real, true>([acquiring, acquiring, releasing, ...faults], {
      size: '+1',
    });
    await fc.assert(
      fc.asyncProperty(commands, async (all) => {
        const system = await make();
        const real: Real = { system, replaced: [], names: 0 };
        const model = new Model();
        try {
          await fc.asyncModelRun(() => ({ model, real }), all);
          for (const holder of model.holders) {
            if (holder.node >= 0) holder.slot?.release();
            else await system.lose?.(holder);
            model.lose(holder);
          }
          await agree(model, real);
        } finally {
          await system.close();
        }
      }),
      { numRuns },
    );
  }, 300_000);

  it('keeps every limit when requests come at the same moment', async () => {
    const requests = fc.array(
      fc.tuple(fc.nat(1), fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 })),
      {
        minLength: 2,
        maxLength: 12,
      },
    );
    await fc.assert(
      fc.asyncProperty(requests, async (all) => {
        const system = await make();
        const held = new Map<number, { slot?: Slot; keys: Key[]; over: boolean }>();
        const ask = async ([node, keys]: [number, Key[]], name: number): Promise<void> => {
          const holder: { slot?: Slot; keys: Key[]; over: boolean } = { keys, over: false };
          const onReplaced = (): void => {
            holder.over = true;
            holder.slot?.release();
          };
          const answer = await system
            .store(node)
            .acquire(keys.map((key) => ({ key, ...KEYS[key], onReplaced })));
          if (!('slot' in answer)) return;
          holder.slot = answer.slot;
          held.set(name, holder);
          if (holder.over) answer.slot.release();
        };
        try {
          await Promise.all(all.map(ask));
          // Everybody who was not told to go has a place, and no other has one.
          const deadline = Date.now() + 3000;
          for (;;) {
            const alive = [...held.values()].filter(({ over }) => !over);
            const open = NAMES.map((key) => alive.filter(({ keys }) => keys.includes(key)).length);
            const kept = Object.values(await system.state()).map(({ length }) => length);
            const settled = open.join() === kept.join() && NAMES.every((key, i) => open[i]! <= KEYS[key].max);
            if (settled) break;
            if (Date.now() > deadline) expect({ open, kept }).toEqual({ open: kept, kept: 'the same' });
            await new Promise(setImmediate);
          }
        } finally {
          await system.close();
        }
      }),
      { numRuns },
    );
  }, 300_000);
}
