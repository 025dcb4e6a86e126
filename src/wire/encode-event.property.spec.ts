import * as fc from 'fast-check';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import { eventInit, id, received, receivedData, text, type } from '../../test/fixtures/arbitrary-events.js';
import { raw } from '../events/raw.js';
import { comment, event } from '../events/sse-event.js';
import { toEvent } from '../events/to-event.js';
import { encodeEvent } from './encode-event.js';

/** The events that an independent parser reads from bytes that arrive in chunks of any length. */
function parse(
  stream: string,
  cuts: number[] = [],
): { events: EventSourceMessage[]; comments: string[]; retries: number[] } {
  const [events, comments, retries]: [EventSourceMessage[], string[], number[]] = [[], [], []];
  const parser = createParser({
    onEvent: (parsed) => events.push(parsed),
    onComment: (parsed) => comments.push(parsed),
    onRetry: (parsed) => retries.push(parsed),
    onError: (error) => {
      throw error;
    },
  });
  const bytes = Buffer.from(stream, 'utf8');
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  let from = 0;
  for (const cut of [...cuts.map((part) => part % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]) {
    parser.feed(decoder.decode(bytes.subarray(from, cut), { stream: true }));
    from = cut;
  }
  return { events, comments, retries };
}

const cuts = fc.array(fc.nat(), { maxLength: 8 });

describe('any event, read by an independent parser', () => {
  it('keeps type, id and data, between any other events', () => {
    fc.assert(
      fc.property(fc.array(eventInit, { minLength: 1, maxLength: 5 }), cuts, (inits, pieces) => {
        const { events, retries } = parse(inits.map((init) => encodeEvent(event(init))).join(''), pieces);
        expect(events).toEqual(
          inits.map((init) => ({
            event: init.type === undefined ? undefined : received(init.type),
            id: init.id,
            data: receivedData(init.data),
          })),
        );
        expect(retries).toEqual(inits.flatMap(({ retry }) => (retry === undefined ? [] : [retry])));
      }),
      { numRuns: 1000 },
    );
  });

  it('cannot have a type or an id with a line break', () => {
    fc.assert(
      fc.property(text, fc.constantFrom('\n', '\r', '\r\n'), text, (before, lineBreak, after) => {
        expect(() => event({ type: before + lineBreak + after, data: '' })).toThrow('"type" cannot be');
        expect(() => event({ id: before + lineBreak + after, data: '' })).toThrow('"id" cannot be');
      }),
    );
  });

  it('is exactly one event for any data', () => {
    fc.assert(
      fc.property(fc.oneof(text, fc.jsonValue()), (value) => {
        const made = toEvent(value, 'data', JSON.stringify);
        expect(parse(made ? encodeEvent(made) : '').events).toEqual([
          { event: undefined, id: undefined, data: receivedData(value) },
        ]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('any comment, read by an independent parser', () => {
  it('consists of comment lines only', () => {
    fc.assert(
      fc.property(text, (value) => {
        const { events, comments } = parse(encodeEvent(comment(value)) + 'data: x\n\n');
        expect(comments).toEqual(received(value).split('\n'));
        expect(events).toHaveLength(1);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('any block, given to raw()', () => {
  it('is accepted if the library wrote it', () => {
    fc.assert(
      fc.property(eventInit, (init) => {
        const block = encodeEvent(event(init));
        expect(encodeEvent(raw(block))).toBe(block);
      }),
    );
  });

  it('is rejected if it is not whole, and otherwise leaves the parser at the start of a block', () => {
    const line = fc.oneof(
      text,
      fc.tuple(fc.constantFrom('data', 'event', 'id', 'retry', ''), text).map(([f, v]) => `${f}: ${v}`),
    );
    const block = fc.array(line).map((lines) => `${lines.join('\n')}\n\n`);
    fc.assert(
      fc.property(fc.oneof(text, block), (given) => {
        let whole: string;
        try {
          whole = encodeEvent(raw(given));
        } catch (error) {
          expect(error).toMatchObject({ code: 'SSE_INVALID_RAW' });
          return;
        }
        const after = parse(whole + encodeEvent(event({ type: 't', data: 'after' }))).events.at(-1);
        expect(after).toMatchObject({ event: 't', data: 'after' });
      }),
      { numRuns: 2000 },
    );
  });
});

it('the generated types and ids are legal', () => {
  fc.assert(
    fc.property(type, id, (anyType, anyId) => {
      expect(event({ type: anyType, id: anyId, data: '' })).toMatchObject({ type: anyType, id: anyId });
    }),
  );
});
