import { Flushes } from './flushes.js';

const nextTick = () => new Promise<void>((resolve) => process.nextTick(resolve));

describe('what is written at the end of a turn', () => {
  it('is written once each, in the order in which it was asked for, after what runs', async () => {
    const flushes = new Flushes();
    const written: string[] = [];
    for (const name of ['a', 'b', 'c']) flushes.add({ flush: () => written.push(name) });
    expect(written).toEqual([]);
    await nextTick();
    expect(written).toEqual(['a', 'b', 'c']);
    await nextTick();
    expect(written).toHaveLength(3);
  });

  it('may ask for another write, which comes after it', async () => {
    const flushes = new Flushes();
    const written: string[] = [];
    const second = { flush: () => written.push('second') };
    flushes.add({
      flush: () => {
        written.push('first');
        flushes.add(second);
      },
    });
    await nextTick();
    await nextTick();
    expect(written).toEqual(['first', 'second']);
  });

  it('is not held back by one that throws', async () => {
    const flushes = new Flushes();
    const written: string[] = [];
    const broken = {
      flush: () => {
        throw new Error('broken');
      },
    };
    for (const outlet of [{ flush: () => written.push('a') }, broken, { flush: () => written.push('b') }]) {
      flushes.add(outlet);
    }
    expect(() => flushes.run()).toThrow('broken');
    await nextTick();
    await nextTick();
    expect(written).toEqual(['a', 'b']);
  });
});
