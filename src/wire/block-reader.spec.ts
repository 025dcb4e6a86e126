import fc from 'fast-check';
import { connect } from 'nestjs-event-stream/client';
import { ChunkedFetch } from '../../test/fixtures/client/chunked-fetch.js';
import { blockReader, type Block } from './block-reader.js';

/** WHATWG HTML, 9.2.6, literally, over the whole text. */
function standard(text: string): { blocks: Block[]; retries: number[] } {
  const blocks: Block[] = [];
  const retries: number[] = [];
  let data = '';
  let type = '';
  let id: string | undefined;
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const line of lines.slice(0, -1)) {
    if (line === '') {
      if (data !== '') blocks.push({ id, type: type || 'message', data: data.replace(/\n$/, '') });
      else if (id !== undefined) blocks.push({ id, type: type || 'message', data: undefined });
      data = '';
      type = '';
      id = undefined;
      continue;
    }
    const [, field = '', value = ''] = /^([^:]*):? ?([^]*)$/.exec(line) ?? [];
    if (line.startsWith(':')) continue;
    if (field === 'data') data += `${value}\n`;
    if (field === 'event') type = value;
    if (field === 'id' && !value.includes('\0')) id = value;
    if (field === 'retry' && /^[0-9]+$/.test(value)) retries.push(Number(value));
  }
  return { blocks, retries };
}

const lineBreak = fc.constantFrom('\n', '\r', '\r\n');
const value = fc.oneof(
  fc.constantFrom('', ' ', '0', 'é', '✓ 😀', '{"a":1}', 'x\0', '12', '~e'),
  fc.string({ unit: 'grapheme', maxLength: 6 }).map((text) => text.replace(/[\r\n]/g, '')),
);
const line = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('data', 'event', 'id', 'retry', 'other', '', ' data'),
      fc.constantFrom(':', ': '),
      value,
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('data', 'event', 'id', 'retry', '\uFEFFdata: late mark', '', '', ''),
);
const streamText = fc
  .tuple(
    fc.constantFrom('', '\uFEFF', 'ï»¿'),
    fc.array(
      fc.tuple(line, lineBreak).map((parts) => parts.join('')),
      { maxLength: 24 },
    ),
    fc.constantFrom('', 'data: unfinished', 'id: 9'),
  )
  .map(([start, lines, end]) => start + lines.join('') + end);

/** Splits bytes at these places, modulo their length. The same place twice gives an empty chunk. */
function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const at = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [0, ...at].map((start, index) => bytes.slice(start, at[index] ?? bytes.length));
}

const places = fc.array(fc.nat({ max: 10_000 }), { maxLength: 12 });

function read(chunks: readonly Uint8Array[]): { blocks: Block[]; retries: number[] } {
  const retries: number[] = [];
  const reader = blockReader((ms) => retries.push(ms));
  return { blocks: chunks.flatMap((chunk) => reader.feed(chunk)), retries };
}

describe('blockReader()', () => {
  const utf8 = new TextEncoder();

  it('finds the same blocks as the algorithm of the standard, however the bytes are split', () => {
    fc.assert(
      fc.property(streamText, places, (text, where) => {
        // Generated text may have half a character. Bytes cannot express it, so the text is encoded and decoded first.
        const bytes = utf8.encode(text);
        const expected = standard(new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes));
        expect(read(cut(bytes, where))).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('finds the same in single bytes', () => {
    fc.assert(
      fc.property(streamText, (text) => {
        const bytes = utf8.encode(text);
        expect(read([...bytes].map((byte) => Uint8Array.of(byte)))).toEqual(read([bytes]));
      }),
    );
  });

  it('ends an event immediately if its last byte is a CR', () => {
    const reader = blockReader(() => undefined);
    expect(reader.feed(utf8.encode('data: a\r\r'))).toEqual([{ id: undefined, type: 'message', data: 'a' }]);
    expect(reader.feed(utf8.encode('\ndata: b\r\n\r'))).toEqual([
      { id: undefined, type: 'message', data: 'b' },
    ]);
    expect(reader.feed(utf8.encode('\ndata: c\n\n'))).toEqual([
      { id: undefined, type: 'message', data: 'c' },
    ]);
  });

  it('drops one byte order mark at the start, however its bytes are split', () => {
    const bytes = utf8.encode('\uFEFF\uFEFFdata: a\n\ndata: b\n\n');
    for (let place = 0; place <= 7; place++) {
      // With the second mark, the first field has an unknown name.
      expect(read(cut(bytes, [place])).blocks).toEqual([{ id: undefined, type: 'message', data: 'b' }]);
    }
    expect(
      read([...bytes.subarray(3)].map((byte) => Uint8Array.of(byte))).blocks.map(({ data }) => data),
    ).toEqual(['a', 'b']);
  });

  it.each(['12', '012'])('reads a reconnection time of digits only: %s', (digits) => {
    const text = `retry: ${digits}\nretry: ${digits}x\nretry: x${digits}\nretry: -${digits}\nretry:\n`;
    expect(read([utf8.encode(text)]).retries).toEqual([12]);
  });

  it('decodes invalid UTF-8 as U+FFFD', () => {
    expect(read([Uint8Array.of(0x64, 0x61, 0x74, 0x61, 0x3a, 0xe9, 0x0a, 0x0a)]).blocks[0]?.data).toBe(
      '\uFFFD',
    );
  });

  describe('with a maximum length', () => {
    /** Blocks before the one that is too long, and whether one is. */
    function readUpTo(maxLength: number, ...chunks: string[]): { data: unknown[]; tooLong: boolean } {
      const reader = blockReader(() => undefined, maxLength);
      const data: unknown[] = [];
      for (const chunk of chunks) {
        data.push(...reader.feed(utf8.encode(chunk)).map((block) => block.data));
        try {
          reader.checkLength();
        } catch (error) {
          expect(error).toMatchObject({
            code: 'SSE_EVENT_TOO_LARGE',
            message: `The server sent an event of more than ${maxLength} characters. Raise "maxEventLength" to accept it.`,
            context: { maxEventLength: maxLength },
          });
          return { data, tooLong: true };
        }
      }
      return { data, tooLong: false };
    }

    it.each([
      ['a line', ['data: abc\n\n'], ['abc']],
      ['an unfinished line', ['data: abc', '\n', '\n'], ['abc']],
      ['lines', ['id: 1\n', 'data\n\n'], ['']],
      ['lines in one piece', ['data: a\nid\n\n'], ['a']],
    ])('counts the characters of %s and their line ends', (_, chunks, data) => {
      const length = chunks.join('').trim().length + 1;
      expect(readUpTo(length, ...chunks)).toEqual({ data, tooLong: false });
      expect(readUpTo(length - 2, ...chunks)).toEqual({ data: [], tooLong: true });
    });

    it('returns the blocks before the one that is too long, and none after it', () => {
      expect(readUpTo(9, 'data: a\n\ndata: bcd\n\ndata: c\n\n')).toEqual({ data: ['a'], tooLong: true });
    });

    it('counts each block from its start', () => {
      expect(readUpTo(8, ...Array.from({ length: 9 }, () => 'data: a\n\n')).data).toHaveLength(9);
    });

    it('does not count a comment whose line has ended', () => {
      expect(readUpTo(8, ': comment\n: comment\ndata: a\n\n')).toEqual({ data: ['a'], tooLong: false });
      expect(readUpTo(8, ': comment')).toEqual({ data: [], tooLong: true });
    });
  });
});

describe('connect()', () => {
  it('returns the same events with the same last event IDs, however the bytes are split', async () => {
    await fc.assert(
      fc.asyncProperty(streamText, places, async (text, where) => {
        const bytes = new TextEncoder().encode(text);
        let lastEventId = '';
        const expected = [];
        for (const { id, type, data } of read([bytes]).blocks) {
          lastEventId = id ?? lastEventId;
          if (data !== undefined) expected.push({ id, type, data, lastEventId });
        }
        const events = connect('http://localhost/', {
          fetch: new ChunkedFetch(cut(bytes, where)).fetch,
          retry: false,
        });
        const found = [];
        for await (const { id, type, data, lastEventId: last } of events) {
          found.push({ id, type, data, lastEventId: last });
        }
        expect(found).toEqual(expected);
        expect(events.lastEventId).toBe(lastEventId);
      }),
    );
  });
});
