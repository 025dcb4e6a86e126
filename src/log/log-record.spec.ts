import fc from 'fast-check';
import { raw } from '../events/raw.js';
import { comment, event, retryAfter, SseEvent } from '../events/sse-event.js';
import { encodeEvent } from '../wire/encode-event.js';
import { channelKey } from './cursor.js';
import { LogEntry } from './log-entry.js';
import { toRecord } from './log-record.js';

const key = channelKey('a');
const entryOf = (value: unknown): LogEntry => new LogEntry(key, 'e-1', 1, toRecord(value, undefined));
const id = `${key.tag}~e-1`;

describe('a published value', () => {
  it.each([
    ['text', 'data: text\n'],
    ['two\r\nlines\r', 'data: two\ndata: lines\ndata: \n'],
    ['', 'data: \n'],
    [{ data: 1, id: 'x', retry: 5 }, 'data: {"data":1,"id":"x","retry":5}\n'],
    [null, 'data: null\n'],
    [0, 'data: 0\n'],
    [event({ data: [1] }), 'data: [1]\n'],
  ])('%j is sent with the cursor as its id', (value, rest) => {
    expect(entryOf(value).frame).toBe(`id: ${id}\n${rest}\n`);
  });

  it('has its id line between type and retry, after a comment, even if their text looks like an id line', () => {
    const init = { type: 'id: 0', comment: 'id: 0\nx', retry: 1, data: 'id: 0\nid: 0' };
    expect(entryOf(event(init)).frame).toBe(
      `: id: 0\n: x\nevent: id: 0\nid: ${id}\nretry: 1\ndata: id: 0\ndata: id: 0\n\n`,
    );
  });

  it('is sent with its own id, if it has one', () => {
    expect(entryOf(event({ id: 0, data: 'x' })).frame).toBe('id: 0\ndata: x\n\n');
    expect(entryOf(event({ id: 'a b' })).frame).toBe('id: a b\n\n');
  });

  it('is sent without an id if it is only a comment or a retry time', () => {
    expect(entryOf(comment('hi')).frame).toBe(': hi\n');
    expect(entryOf(retryAfter(5)).frame).toBe('retry: 5\n\n');
    expect(entryOf(comment('hi')).toEvent(JSON.parse)).toMatchObject({ id: undefined, comment: 'hi' });
  });

  it('of raw text has its id line in the last block', () => {
    expect(entryOf(raw('data: x\n\n')).frame).toBe(`id: ${id}\ndata: x\n\n`);
    expect(entryOf(raw('data: x\r\n\r\n: c\r\nevent: y\r\ndata: z\r\n\r\n: d\r\n\r\n')).frame).toBe(
      `data: x\r\n\r\n: c\r\nid: ${id}\nevent: y\r\ndata: z\r\n\r\n: d\r\n\r\n`,
    );
    expect(entryOf(raw('\n\n: only\n\n')).frame).toBe('\n\n: only\n\n');
    expect(entryOf(raw('data\r\rretry: 1\r\r')).frame).toBe(`data\r\rid: ${id}\nretry: 1\r\r`);
  });

  it.each([
    [undefined, 'SSE_NOT_SERIALIZABLE'],
    [() => 1, 'SSE_NOT_SERIALIZABLE'],
    [1n, 'SSE_NOT_SERIALIZABLE'],
    [event({}), 'SSE_NOT_SERIALIZABLE'],
    [raw('id: 5\ndata: x\n\n'), 'SSE_INVALID_RAW'],
    [raw('data: x\rid\r\r'), 'SSE_INVALID_RAW'],
    [event({ id: '', data: 1 }), 'SSE_INVALID_FIELD'],
    [event({ id: '~end', data: 1 }), 'SSE_INVALID_FIELD'],
    [event({ id: 'x'.repeat(257), data: 1 }), 'SSE_INVALID_FIELD'],
    [event({ id: 'abcdef~e1-1', data: 1 }), 'SSE_INVALID_FIELD'],
  ])('%p is rejected with %s', (value, code) => {
    expect(() => toRecord(value, undefined)).toThrow(expect.objectContaining({ code }));
  });

  it('is serialized by the given function, except for strings', () => {
    const serialize = (value: unknown): string => `<${String(value)}>`;
    expect(toRecord(5, serialize).frame).toBe('data: <5>\n\n');
    expect(toRecord('5', serialize).frame).toBe('data: 5\n\n');
  });
});

describe('an entry', () => {
  const text = fc.string({ unit: 'grapheme', maxLength: 30 });
  const anyEvent = fc.record({
    type: fc.option(
      text.map((type) => type.replace(/[\r\n]/g, '')),
      { nil: undefined },
    ),
    comment: fc.option(
      text.map((line) => line.replace(/[\r]/g, '')),
      { nil: undefined },
    ),
    retry: fc.option(fc.nat(), { nil: undefined }),
    data: fc.oneof(
      text.map((data) => data.replace(/\r/g, '')),
      fc.jsonValue(),
    ),
  });

  it('has the published fields, and the size of its frame', () => {
    fc.assert(
      fc.property(anyEvent, (init) => {
        const entry = entryOf(event(init));
        const read = entry.toEvent(JSON.parse);
        const { type, comment: said, retry, data } = event(init);
        const json: unknown = typeof data === 'string' ? data : JSON.parse(JSON.stringify(data));
        expect({ ...read }).toEqual({ type, id, retry, comment: said, data: json });
        expect(read.raw).toBe(entry.frame);
        expect(entry.frame).toBe(encodeEvent(new SseEvent(type, id, retry, said, data)));
        expect(entry.bytes).toBe(Buffer.byteLength(entry.frame));
        expect(encodeEvent(read)).toBe(entry.frame);
      }),
    );
  });

  it('can be sent with another id, and nothing else changes', () => {
    const entry = entryOf(event({ type: 't', id: '17', comment: 'c', data: 'x' }));
    expect(entry.frameAs('other')).toBe(': c\nevent: t\nid: other\ndata: x\n\n');
    expect(entryOf(comment('c')).frameAs('other')).toBe(': c\n');
  });

  it('has one event object for all callers', () => {
    const entry = entryOf({ a: 1 });
    expect(entry.toEvent(JSON.parse)).toBe(entry.toEvent(JSON.parse));
  });

  it('has its text as data if the parser throws', () => {
    const entry = new LogEntry(
      key,
      'e-1',
      1,
      toRecord(5, () => '<5>'),
    );
    expect(entry.toEvent(JSON.parse).data).toBe('<5>');
    expect(
      new LogEntry(
        key,
        'e-1',
        1,
        toRecord(5, () => '<5>'),
      ).toEvent((text) => text.length).data,
    ).toBe(3);
  });

  it('can be published again without its cursor', () => {
    const again = (value: unknown) => entryOf(entryOf(value).toEvent(JSON.parse)).frame;
    for (const value of [
      { a: 1 },
      'x',
      event({ type: 't', retry: 2, data: 'x\ny' }),
      comment('c'),
      retryAfter(1),
    ]) {
      expect(again(value)).toBe(entryOf(value).frame);
    }
    expect(again(raw('data: x\n\ndata: y\n\n'))).toBe(`data: x\n\nid: ${id}\ndata: y\n\n`);
    expect(again(event({ id: '5', data: 'x' }))).toBe('id: 5\ndata: x\n\n');
    expect(again(event({ id: '5' }))).toBe('id: 5\n\n');
  });
});
