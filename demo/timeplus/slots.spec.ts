import { Slots } from './slots.js';

const NEVER = new AbortController().signal;

/** A task that ends when `done()` is called. */
function work(): { run: () => Promise<void>; started: boolean; done: () => void } {
  let done!: () => void;
  const finished = new Promise<void>((resolve) => (done = resolve));
  const made = { started: false, done, run: () => ((made.started = true), finished) };
  return made;
}

async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe('Slots', () => {
  it('runs a limited number of tasks, and the others in their order', async () => {
    const slots = new Slots(2);
    const all = [work(), work(), work(), work()];
    const runs = all.map(({ run }) => slots.run(run, NEVER));
    await settled();
    expect(all.map(({ started }) => started)).toEqual([true, true, false, false]);
    expect(slots.taken).toBe(2);
    all[1]?.done();
    await settled();
    expect(all.map(({ started }) => started)).toEqual([true, true, true, false]);
    for (const { done } of all) done();
    await Promise.all(runs);
    expect(slots.taken).toBe(0);
  });

  it('releases the slot when the work fails, and passes the error on', async () => {
    const slots = new Slots(1);
    await expect(slots.run(() => Promise.reject(new Error('broken')), NEVER)).rejects.toThrow('broken');
    expect(await slots.run(() => Promise.resolve(7), NEVER)).toBe(7);
    expect(slots.taken).toBe(0);
  });

  it('removes a task that leaves the queue, without starting it', async () => {
    const slots = new Slots(1);
    const [first, second, third] = [work(), work(), work()] as const;
    const leaving = new AbortController();
    const runs = [slots.run(first.run, NEVER), slots.run(third.run, NEVER)];
    const left = slots.run(second.run, leaving.signal);
    leaving.abort(new Error('gone'));
    await expect(left).rejects.toThrow('gone');
    first.done();
    third.done();
    await Promise.all(runs);
    expect([second.started, third.started, slots.taken]).toEqual([false, true, 0]);
  });

  it('does not start a task that has already left', async () => {
    const slots = new Slots(1);
    const late = work();
    await expect(slots.run(late.run, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
    expect([late.started, slots.taken]).toEqual([false, 0]);
  });
});
