import fc from 'fast-check';
import { BlockReader } from './block-reader.js';
import { BlockSplitter } from './block-splitter.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** What comes of text that arrives in these pieces. */
function split(pieces: (string | Uint8Array)[], maxBytes = Infinity): string[] {
  const splitter = new BlockSplitter(maxBytes);
  return pieces
    .flatMap((piece) => splitter.feed(typeof piece === 'string' ? encode(piece) : piece))
    .map(decode);
}

/** Text made of what matters in an event stream. */
const streamText = fc
  .array(fc.constantFrom('\n', '\r', '\r\n', '\n\n', ':', 'data', 'data: ', 'id: 1', '€', '😀', 'x', ' '), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

/** Bytes, cut in any places. */
const cutText = fc.tuple(streamText, fc.array(fc.nat(), { maxLength: 6 })).map(([text, places]) => {
  const bytes = encode(text);
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return { text, pieces: at.slice(1).map((end, i) => bytes.subarray(at[i], end)) };
});

describe('the blocks of an event stream', () => {
  it('are the bytes as they came, wherever they were cut; only an unfinished end is missing', () => {
    fc.assert(
      fc.property(cutText, ({ text, pieces }) => {
        const all = split(pieces).join('');
        expect(text.startsWith(all)).toBe(true);
        // Nothing that a client would dispatch is behind it.
        const reader = new BlockReader(() => undefined);
        reader.feed(encode(all));
        expect(reader.feed(encode(text.slice(all.length)))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('can have an event between any two of them that changes none', () => {
    const blocksOf = (pieces: string[]): unknown[] => {
      const reader = new BlockReader(() => undefined);
      return pieces.flatMap((piece) => reader.feed(encode(piece)));
    };
    fc.assert(
      fc.property(cutText, ({ pieces }) => {
        const blocks = split(pieces);
        const beaten = blocksOf(blocks.flatMap((block) => [block, 'event: beat\ndata: \n\n']));
        expect(beaten.filter((block) => (block as { type: string }).type !== 'beat')).toEqual(
          blocksOf(blocks),
        );
        expect(beaten).toHaveLength(blocksOf(blocks).length + blocks.length);
      }),
      { numRuns: 2000 },
    );
  });

  it('are given one by one, with the comments before them', () => {
    expect(split([': c\n\ndata: a\n\n\ndata: b\r\n\r\nid: 1\r\rdata'])).toEqual([
      ': c\n\ndata: a\n\n',
      '\ndata: b\r\n\r\n',
      'id: 1\r\r',
    ]);
  });

  it('a comment between two does not wait for the next', () => {
    expect(split([':\n', 'data: a\n', ':\n', '\n', '\n', ': b\r\n\r\n'])).toEqual([
      ':\n',
      'data: a\n:\n\n',
      '\n: b\r\n\r\n',
    ]);
  });

  it('a block that ends in a CR does not wait for an LF', () => {
    expect(split(['data: a\r\r', '\ndata: b\n\n'])).toEqual(['data: a\r\r', '\ndata: b\n\n']);
  });

  it('have no byte order mark', () => {
    expect(
      split([encode('\ufeffdata: a\n\n').subarray(0, 2), encode('\ufeffdata: a\n\n').subarray(2)]),
    ).toEqual(['data: a\n\n']);
  });

  it('have an end: a larger one is an error', () => {
    expect(() => split(['data: ', 'x'.repeat(100)], 64)).toThrow(
      expect.objectContaining({ code: 'SSE_EVENT_TOO_LARGE', context: { maxBytes: 64 } }) as Error,
    );
    expect(
      split(
        Array.from({ length: 50 }, () => 'data: x\n\n'),
        64,
      ),
    ).toHaveLength(50);
  });
});
