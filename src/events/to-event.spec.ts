import { comment, event, SseEvent } from './sse-event.js';
import { toEvent, toText } from './to-event.js';
import { raw } from './raw.js';

const json = JSON.stringify as (value: unknown) => string | undefined;
const data = (text: string): SseEvent => new SseEvent(undefined, undefined, undefined, undefined, text);

describe('toEvent()', () => {
  it('reads plain objects as MessageEvents only if every key is a field and at least one has a value', () => {
    expect(toEvent({ data: 'x', id: 1 }, 'events', json)).toEqual(event({ data: 'x', id: 1 }));
    expect(toEvent({ data: 'x', other: 1 }, 'events', json)).toEqual(data('{"data":"x","other":1}'));
    expect(toEvent({ id: 1, type: 'x' }, 'events', json)).toEqual(data('{"id":1,"type":"x"}'));
    expect(toEvent({ data: 'x' }, 'data', json)).toEqual(data('{"data":"x"}'));
  });

  it('counts only own keys, including getters', () => {
    const getter = {
      get data() {
        return 'got';
      },
    };
    expect(toEvent(getter, 'events', json)).toEqual(event({ data: 'got' }));
    expect(toEvent(Object.create({ data: 'x' }), 'events', json)).toEqual(data('{}'));
  });

  it('treats arrays, dates, maps and instances of classes as payload', () => {
    class Tick {
      data = 1;
    }
    expect(toEvent([{ data: 1 }], 'events', json)).toEqual(data('[{"data":1}]'));
    expect(toEvent(new Tick(), 'events', json)).toEqual(data('{"data":1}'));
    expect(toEvent(new Map([['data', 1]]), 'events', json)).toEqual(data('{}'));
  });

  it('returns nothing for an empty value', () => {
    expect(toEvent(undefined, 'events', json)).toBeUndefined();
    expect(toEvent({ data: undefined }, 'events', json)).toBeUndefined();
    expect(toEvent({ retry: undefined, type: undefined }, 'events', json)).toBeUndefined();
    expect(toEvent({ data: undefined }, 'data', json)).toEqual(data('{}'));
  });

  it('does not change events whose data is text', () => {
    for (const made of [comment('c'), raw('data: x\n\n'), event({ type: 't', data: 'x' })]) {
      expect(toEvent(made, 'events', json)).toBe(made);
      expect(toEvent(made, 'data', json)).toBe(made);
    }
  });

  it('does not change its argument', () => {
    const given = Object.freeze({ data: Object.freeze({ a: 1 }), type: 't' });
    expect(toEvent(given, 'events', json)).toEqual(event({ type: 't', data: '{"a":1}' }));
  });

  it('does not read a modified prototype as a field', () => {
    const value = JSON.parse('{"__proto__": {"data": 1}, "data": "x"}') as unknown;
    expect(toEvent(value, 'events', json)).toEqual(data('{"__proto__":{"data":1},"data":"x"}'));
  });
});

describe('toText()', () => {
  it('keeps strings and serializes everything else', () => {
    expect(toText('a"b', json)).toBe('a"b');
    expect(toText({ a: [1] }, json)).toBe('{"a":[1]}');
  });

  it.each<[value: unknown, named: string, why: string | undefined]>([
    [1n, '1n', 'Do not know how to serialize a BigInt'],
    [() => 1, 'function', undefined],
    [Symbol('s'), 'Symbol(s)', undefined],
    [{ toJSON: () => undefined }, '[object Object]', undefined],
  ])('rejects %p, which JSON cannot express', (value, named, why) => {
    let error: unknown;
    try {
      toText(value, json);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: 'SSE_NOT_SERIALIZABLE', context: { value } });
    expect((error as Error).message).toContain(named);
    if (why) expect((error as Error).message).toContain(why);
  });

  it('rejects a promise, of which JSON makes an empty object, and says to await it; its rejection is handled', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown): void => void unhandled.push(error);
    process.on('unhandledRejection', note);
    for (const promise of [
      Promise.resolve(1),
      Promise.reject(new Error('later')),
      { then: () => undefined },
    ]) {
      expect(() => toText(promise, json)).toThrow(
        expect.objectContaining({
          code: 'SSE_NOT_SERIALIZABLE',
          message: expect.stringContaining('Await it') as string,
        }) as Error,
      );
    }
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });

  it('rejects bytes, unless the application has a serializer of its own', () => {
    const bytes = Uint8Array.of(1);
    for (const emits of ['events', 'data'] as const) {
      expect(() => toEvent(bytes, emits, json)).toThrow(
        expect.objectContaining({ code: 'SSE_NOT_SERIALIZABLE', context: { value: bytes } }) as Error,
      );
    }
    expect(toText(bytes, String)).toBe('1');
    expect(toText(null, json)).toBe('null');
  });

  it('keeps the error of a serializer as the cause', () => {
    const cause = new RangeError('too deep');
    const fails = (): never => {
      throw cause;
    };
    expect(() => toText({}, fails)).toThrow(expect.objectContaining({ cause }) as Error);
  });
});
