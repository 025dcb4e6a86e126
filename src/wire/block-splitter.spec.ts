import fc from 'fast-check';
import { blockReader } from './block-reader.js';
import { BlockSplitter } from './block-splitter.js';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const decode = (bytes: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);

/** The blocks of text that arrives in these chunks. */
function split(pieces: (string | Uint8Array)[], maxBytes = Infinity): string[] {
  const splitter = new BlockSplitter(maxBytes);
  return pieces
    .flatMap((piece) => splitter.feed(typeof piece === 'string' ? encode(piece) : piece))
    .map(decode);
}

/** Text of tokens that matter in an event stream. */
const streamText = fc
  .array(fc.constantFrom('\n', '\r', '\r\n', '\n\n', ':', 'data', 'data: ', 'id: 1', '€', '😀', 'x', ' '), {
    maxLength: 30,
  })
  .map((parts) => parts.join(''));

/** Bytes, split at arbitrary places. */
const cutText = fc.tuple(streamText, fc.array(fc.nat(), { maxLength: 6 })).map(([text, places]) => {
  const bytes = encode(text);
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return { text, pieces: at.slice(1).map((end, i) => bytes.subarray(at[i], end)) };
});

describe('the blocks of an event stream', () => {
  it('are the unchanged bytes without an unfinished end, however they are split', () => {
    fc.assert(
      fc.property(cutText, ({ text, pieces }) => {
        const all = split(pieces).join('');
        expect(text.startsWith(all)).toBe(true);
        // The missing rest has no event that a client would dispatch.
        const reader = blockReader(() => undefined);
        reader.feed(encode(all));
        expect(reader.feed(encode(text.slice(all.length)))).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('do not change if another event is inserted between any two of them', () => {
    const blocksOf = (pieces: string[]): unknown[] => {
      const reader = blockReader(() => undefined);
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

  it('are returned one by one, with the comments before them', () => {
    expect(split([': c\n\ndata: a\n\n\ndata: b\r\n\r\nid: 1\r\rdata'])).toEqual([
      ': c\n\ndata: a\n\n',
      '\ndata: b\r\n\r\n',
      'id: 1\r\r',
    ]);
  });

  it('do not delay a comment until the next block', () => {
    expect(split([':\n', 'data: a\n', ':\n', '\n', '\n', ': b\r\n\r\n'])).toEqual([
      ':\n',
      'data: a\n:\n\n',
      '\n: b\r\n\r\n',
    ]);
  });

  it('do not wait for an LF after a CR', () => {
    expect(split(['data: a\r\r', '\ndata: b\n\n'])).toEqual(['data: a\r\r', '\ndata: b\n\n']);
  });

  it('have no byte order mark at the start of the stream', () => {
    expect(
      split([encode('\ufeffdata: a\n\n').subarray(0, 2), encode('\ufeffdata: a\n\n').subarray(2)]),
    ).toEqual(['data: a\n\n']);
  });

  it.each([
    [[0xef, 0xbb, 0x20]],
    [[0xef, 0x20, 0xbf]],
    [[0x20, 0xbb, 0xbf]],
    [[0x20, 0x20, 0xbf]],
    [[0x20, 0xbb, 0x20]],
    [[0xef, 0x20, 0x20]],
  ])('keep a start that is only similar to a byte order mark: %p', (start) => {
    const bytes = Uint8Array.from([...start, ...encode('data: a\n\n')]);
    expect(new BlockSplitter(64).feed(bytes)).toEqual([bytes]);
  });

  it('keep a byte order mark that is not at the start', () => {
    expect(split(['data: a\n\n', '\ufeffdata: b\n\n'])).toEqual(['data: a\n\n', '\ufeffdata: b\n\n']);
  });

  it('have a maximum size', () => {
    expect(() => split(['data: ', 'x'.repeat(59)], 64)).toThrow(
      expect.objectContaining({
        code: 'SSE_EVENT_TOO_LARGE',
        message: expect.stringMatching(/of more than 64 bytes\. .*"maxEventBytes"/) as string,
        context: { maxBytes: 64 },
      }) as Error,
    );
    expect(split(['data: ', 'x'.repeat(58), '\n\n'], 64)).toHaveLength(1);
    expect(
      split(
        Array.from({ length: 50 }, () => 'data: x\n\n'),
        64,
      ),
    ).toHaveLength(50);
  });
});
