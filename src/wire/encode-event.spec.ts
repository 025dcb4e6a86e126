import { comment, event, retryAfter } from '../events/sse-event.js';
import { raw } from '../events/raw.js';
import { COMMENT, EMPTY_COMMENT, encodeEvent } from './encode-event.js';

describe('encodeEvent()', () => {
  it('writes comment, event, id, retry and data in that order, LF only, and one blank line', () => {
    expect(encodeEvent(event({ data: 'd', retry: 1, id: 'i', type: 't', comment: 'c' }))).toBe(
      ': c\nevent: t\nid: i\nretry: 1\ndata: d\n\n',
    );
  });

  it('writes one space after each colon, so that a leading space of the text is kept', () => {
    expect(encodeEvent(event({ type: ' t', data: ' d', comment: ' c' }))).toBe(
      ':  c\nevent:  t\ndata:  d\n\n',
    );
  });

  it.each([
    ['a\nb', 'data: a\ndata: b\n\n'],
    ['a\r\nb', 'data: a\ndata: b\n\n'],
    ['a\rb', 'data: a\ndata: b\n\n'],
    ['a\n\rb', 'data: a\ndata: \ndata: b\n\n'],
    ['\n', 'data: \ndata: \n\n'],
    ['', 'data: \n\n'],
    ['\u2028\u2029\u0085\v\f\x1e', 'data: \u2028\u2029\u0085\v\f\x1e\n\n'],
  ])('splits %p at its line breaks and nowhere else', (text, block) => {
    expect(encodeEvent(event({ data: text }))).toBe(block);
  });

  it('writes no blank line after a comment alone', () => {
    expect(encodeEvent(comment('a'))).toBe(': a\n');
    expect(encodeEvent(comment('a\r\nb'))).toBe(': a\n: b\n');
    expect(encodeEvent(comment(''))).toBe(':\n');
  });

  it('writes raw() unchanged, and nothing for an event without fields', () => {
    expect(encodeEvent(raw('data:x\r\n\r\n'))).toBe('data:x\r\n\r\n');
    expect(encodeEvent(retryAfter(0))).toBe('retry: 0\n\n');
    expect(encodeEvent(event({}))).toBe('');
  });

  it('serializes data that is not text', () => {
    expect(encodeEvent(event({ data: { a: 1 } }))).toBe('data: {"a":1}\n\n');
    expect(encodeEvent(event({ data: [1] }), () => 'a\nb')).toBe('data: a\ndata: b\n\n');
    expect(encodeEvent(event({ data: 'text' }), () => 'not called')).toBe('data: text\n\n');
    expect(encodeEvent(EMPTY_COMMENT)).toBe(COMMENT);
  });
});
