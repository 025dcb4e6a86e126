import { ManualClock } from '../../test/fixtures/manual-clock.js';
import { Readable } from 'node:stream';
import { of } from 'rxjs';
import { Source, isSource, type Running } from './source.js';
import { toSource } from './to-source.js';

const teardown = {
  clock: new ManualClock(),
  warnMs: false as const,
  onSlow: () => undefined,
  onLateError: () => undefined,
  onTeardownError: () => undefined,
};
const refusal = (result: unknown): unknown => {
  try {
    return toSource(result, teardown);
  } catch (error) {
    return error;
  }
};
class Own extends Source {
  readonly pulled = false;
  open(): Running {
    return { unsubscribe: () => undefined };
  }
}

describe('a handler’s result', () => {
  it.each<[string, unknown, boolean]>([
    ['an async generator', (async function* () {})(), true],
    ['a sync generator', (function* () {})(), true],
    ['an array', [], true],
    ['a set', new Set(), true],
    ['a map', new Map(), true],
    ['URLSearchParams', new URLSearchParams(), true],
    ['a Readable', Readable.from([]), true],
    ['a ReadableStream', new ReadableStream(), true],
    ['an Observable', of(), false],
  ])('%s is a source, and pulled: %#', (_what, result, pulled) => {
    const source = toSource(result, teardown);
    expect(isSource(source)).toBe(true);
    expect(source?.pulled).toBe(pulled);
  });

  it('is not iterated before it is opened', () => {
    const touched = {
      [Symbol.asyncIterator]: () => {
        throw new Error('touched');
      },
    };
    expect(isSource(toSource(touched, teardown))).toBe(true);
  });

  it('that is already a source is returned', () => {
    const own = new Own();
    expect(toSource(own, teardown)).toBe(own);
  });

  it.each([
    undefined,
    null,
    0,
    true,
    {},
    { data: 'x' },
    new Date(),
    Buffer.from('a'),
    new Uint8Array(1),
    new DataView(new ArrayBuffer(1)),
    new ArrayBuffer(1),
    Symbol('s'),
    1n,
  ])('%p is a plain value', (result) => {
    expect(toSource(result, teardown)).toBeUndefined();
  });

  it.each([
    ['text', 'the string "text"'],
    [Object('text'), 'the string "text"'],
    [function make() {}, 'function make'],
    [class Some {}, 'function Some'],
    [{ next: () => undefined }, 'has next() but cannot be iterated'],
    [{ subscribe: () => undefined }, 'has subscribe() but is not an Observable'],
  ])('%p is rejected with a remedy', (result, says) => {
    const error = refusal(result) as Error;
    expect(error).toMatchObject({ code: 'SSE_NOT_STREAMABLE', context: { result } });
    expect(error.message).toContain(`An @Sse() handler returned ${says.startsWith('has') ? '' : says}`);
    expect(error.message).toContain(says);
  });
});
