import { Channels, type Fold } from 'nestjs-event-stream';
import { foldKey } from './fold.js';

const count: Fold<number> = { initial: 0, step: (state) => state + 1, toEvents: (state) => state };

describe('a fold', () => {
  const use = (options: object): unknown =>
    new Channels().channel('a', { fold: { ...count, ...options } as Fold });

  it.each([
    {},
    { name: 'a.b_c-9', version: 'v1.2', every: 1, partial: false },
    { name: 'n'.repeat(64), version: 0, partial: true },
    { name: undefined, version: undefined, every: undefined, partial: undefined },
  ])('can have the options %j', (options) => {
    expect(() => use(options)).not.toThrow();
  });

  it.each<object>([
    ...['', 'a@b', 'n'.repeat(65), 7].map((name) => ({ name })),
    ...['', '1@2', 1.5, Number.NaN, Infinity, null, true].map((version) => ({ version })),
    ...[0, 1.5, -1, '10'].map((every) => ({ every })),
    ...[null, 1, 'yes'].map((partial) => ({ partial })),
  ])('cannot have the options %p', (options) => {
    expect(() => use(options)).toThrow(expect.objectContaining({ code: 'SSE_INVALID_OPTIONS' }));
  });

  it('has a key for each name and version, by default fold@1', () => {
    expect([foldKey({}), foldKey({ name: 'sum', version: '2.0' })]).toEqual(['fold@1', 'sum@2.0']);
  });
});
