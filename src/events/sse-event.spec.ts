import { comment, event, isSseEvent, retryAfter, SseEvent, type EventInit } from './sse-event.js';

const refusal = (init: unknown): unknown => {
  try {
    return event(init as EventInit);
  } catch (error) {
    return error;
  }
};

describe('event()', () => {
  it('keeps every given field', () => {
    expect(event({ type: 't', id: 'i', retry: 5, comment: 'c', data: { a: 1 } })).toEqual(
      new SseEvent('t', 'i', 5, 'c', { a: 1 }),
    );
  });

  it('accepts "event" as another name of "type", also if both are given with the same value', () => {
    expect(event({ event: 't', data: '' }).type).toBe('t');
    expect(event({ event: 't', type: 't', data: '' }).type).toBe('t');
  });

  it('ignores an empty type', () => {
    expect(event({ type: '', data: 1 }).type).toBeUndefined();
    expect(event({ type: '' })).toEqual(new SseEvent(undefined, undefined, undefined, undefined, undefined));
  });

  it('ignores a field of null, but takes null as data for a value', () => {
    const init = { type: null, event: null, id: null, retry: null, comment: null, data: null };
    expect(event(init as unknown as EventInit)).toEqual(
      new SseEvent(undefined, undefined, undefined, undefined, null),
    );
    expect(event({ type: null, event: 'a', data: 1 } as unknown as EventInit).type).toBe('a');
  });

  it.each([
    ['', ''],
    ['a', 'a'],
    ['a b', 'a b'],
    ['~!', '~!'],
    [0, '0'],
    [-3, '-3'],
    [Number.MAX_SAFE_INTEGER, '9007199254740991'],
  ])('accepts the id %p', (id, written) => {
    expect(event({ id, data: '' }).id).toBe(written);
  });

  it.each([
    ' ',
    'a ',
    ' a',
    'a\tb',
    'a\0',
    'a\n',
    'a\r',
    '\x7f',
    'ü',
    '€',
    '\ud800',
    1.5,
    NaN,
    Infinity,
    2 ** 53,
    true,
    {},
    [],
    1n,
  ])('rejects the id %p, and names it', (id) => {
    expect(refusal({ id, data: '' })).toMatchObject({
      code: 'SSE_INVALID_FIELD',
      context: { field: 'id', value: id },
    });
  });

  it.each([-1, 0.5, NaN, Infinity, 2 ** 53, '5', true, {}])('rejects the retry %p', (retry) => {
    expect(refusal({ retry })).toMatchObject({
      code: 'SSE_INVALID_FIELD',
      context: { field: 'retry', value: retry },
    });
  });

  it.each(['a\nb', 'a\rb', 'a\r\nb', '\n', 7, true, {}])('rejects the type %p', (type) => {
    expect(refusal({ type, data: '' })).toMatchObject({
      code: 'SSE_INVALID_FIELD',
      context: { field: 'type', value: type },
    });
  });

  it('rejects a type without data, two types, and unknown fields', () => {
    expect(refusal({ type: 'a' })).toMatchObject({ context: { field: 'data' } });
    expect(refusal({ type: 'a', event: 'b', data: 1 })).toMatchObject({ context: { field: 'type' } });
    expect(refusal({ name: 'x' })).toMatchObject({ context: { field: 'name' } });
    expect([refusal({ type: 'a' }), refusal({ name: 'x' })].map((error) => (error as Error).message)).toEqual(
      [
        'An event of type "a" has no data. Clients drop an event without data: give it some (an empty string will do), or leave the type out.',
        'An event has no field "name". Its fields are data, id, type, event, retry, comment; put everything else in "data".',
      ],
    );
  });

  it.each([5, true, {}])('rejects the comment %p', (text) => {
    expect(refusal({ comment: text })).toMatchObject({
      code: 'SSE_INVALID_FIELD',
      context: { field: 'comment', value: text },
    });
  });

  it('names the field, the shortened value and the remedy', () => {
    const { message } = refusal({ id: 'é'.repeat(200), data: '' }) as Error;
    expect(message).toBe(
      `The event field "id" cannot be "${'é'.repeat(59)}… (202 characters). Clients return it in the ` +
        'Last-Event-ID header, so it must be printable ASCII without a space at either end. Encode it, for ' +
        'example with encodeURIComponent().',
    );
  });

  it.each(['a\nb', 'a\r', 'a\r\nb'])('accepts line breaks in data and comments (%p)', (text) => {
    expect(event({ data: text, comment: text })).toMatchObject({ data: text, comment: text });
  });
});

it.each([
  ['a type and data', ['progress', { pct: 1 }], '"progress"'],
  ['nothing', [], 'undefined'],
  ['null', [null], 'null'],
])('event() rejects %s, and says how to pass fields', (_what, given, said) => {
  expect(() => event(...(given as [never]))).toThrow(
    `event() was given ${said}. Give it the fields of the event as one object: event({ type, data }).`,
  );
});

describe('comment() and retryAfter()', () => {
  it('make events of one field', () => {
    expect(comment('a')).toEqual(new SseEvent(undefined, undefined, undefined, 'a', undefined));
    expect(comment('')).toEqual(new SseEvent(undefined, undefined, undefined, '', undefined));
    expect(retryAfter(0)).toEqual(new SseEvent(undefined, undefined, 0, undefined, undefined));
  });

  it('reject a value that is not text, or not a time', () => {
    expect(() => comment(5 as never)).toThrow('"comment" cannot be 5');
    expect(() => retryAfter(-1)).toThrow('"retry" cannot be -1');
    expect(() => retryAfter(undefined as never)).toThrow('"retry" cannot be undefined');
    expect(() => comment(undefined as never)).toThrow('"comment" cannot be undefined');
  });
});

describe('isSseEvent()', () => {
  it('recognizes events of this and of another copy of the package, and nothing else', () => {
    const copy = { [Symbol.for('nestjs-event-stream:event')]: true };
    expect(isSseEvent(comment(''))).toBe(true);
    expect(isSseEvent(copy)).toBe(true);
    for (const other of [{}, { data: 1 }, null, undefined, 'text', 0]) expect(isSseEvent(other)).toBe(false);
  });
});

it('an event cannot be changed after it was made', () => {
  const made = event({ type: 'a', data: 'x' });
  expect(() => Object.assign(made, { type: 'b\n' })).toThrow(TypeError);
  expect(made.type).toBe('a');
});
