import fc from 'fast-check';
import { z } from 'zod';
import { defineEvents, type EventSchemas } from './event-contract.js';
import { text, type } from './payload-schemas.js';
import { event, isSseEvent, SseEvent } from './sse-event.js';

const refusal = (define: () => unknown): unknown => {
  try {
    define();
  } catch (error) {
    return error;
  }
  return 'was not refused';
};
const define = (schemas: unknown): unknown => defineEvents(schemas as never);

describe('defineEvents()', () => {
  const events = defineEvents({
    progress: z.object({ percent: z.number() }),
    token: text(),
    message: type<{ any: number }>(),
  });

  it('returns a function for each name, which makes the same event as event()', () => {
    expect(Object.keys(events)).toEqual(['progress', 'token', 'message']);
    expect(events.progress({ percent: 1 })).toEqual(event({ type: 'progress', data: { percent: 1 } }));
    expect(events.token('a')).toEqual(event({ type: 'token', data: 'a' }));
    expect(events.message({ any: 1 })).toEqual(event({ data: { any: 1 } }));
    expect(isSseEvent(events.token('a'))).toBe(true);
    expect(Object.isFrozen(events.token('a'))).toBe(true);
  });

  it('accepts the other fields of an event, and checks them as event() does', () => {
    expect(events.token('a', { id: 7, retry: 5, comment: 'c' })).toEqual(
      new SseEvent('token', '7', 5, 'c', 'a'),
    );
    expect(events.token('a', {})).toEqual(events.token('a'));
    expect(events.message({ any: 1 }, { id: 'x' })).toEqual(event({ id: 'x', data: { any: 1 } }));
    expect(refusal(() => events.token('a', { id: 'a\nb' }))).toMatchObject({
      code: 'SSE_INVALID_FIELD',
      context: { field: 'id', value: 'a\nb' },
    });
    expect(refusal(() => events.token('a', { name: 'x' } as never))).toMatchObject({
      code: 'SSE_INVALID_FIELD',
    });
  });

  it.each(['progress', 'message'] as const)('rejects an event of "%s" without data', (name) => {
    for (const fields of [undefined, { id: 1 }]) {
      expect(refusal(() => events[name](undefined as never, fields))).toMatchObject({
        code: 'SSE_INVALID_FIELD',
        context: { field: 'data', type: name },
      });
    }
  });

  it('does not validate: the stream does', () => {
    expect(events.progress('wrong' as never).data).toBe('wrong');
  });

  it('cannot be changed, and keeps its schemas apart from its events', () => {
    expect(Object.isFrozen(events)).toBe(true);
    expect(Object.isFrozen(events['~contract'])).toBe(true);
    expect(Object.keys(events['~contract'])).toEqual(['progress', 'token', 'message']);
    expect(JSON.stringify(events)).toBe('{}');
  });

  it('is not affected by later changes of the object that it was given', () => {
    const schemas: Record<string, EventSchemas[string]> = { a: type<number>() };
    const contract = defineEvents(schemas);
    delete schemas['a'];
    schemas['b'] = type<number>();
    expect(Object.keys(contract['~contract'])).toEqual(['a']);
  });

  it('accepts every name that an event can have, also names of properties of Object', () => {
    const names = fc.string({ minLength: 1 }).filter((name) => !/^~|[\r\n]/.test(name) && name !== 'then');
    const known = fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', 'a b', 'ü');
    fc.assert(
      fc.property(fc.uniqueArray(fc.oneof(names, known), { minLength: 1 }), (given) => {
        const contract = define(Object.fromEntries(given.map((name) => [name, type<number>()]))) as Record<
          string,
          (data: number) => SseEvent
        >;
        for (const name of given) {
          expect(contract[name]?.(5)).toEqual(
            new SseEvent(name === 'message' ? undefined : name, undefined, undefined, undefined, 5),
          );
        }
        expect(Object.keys(contract).length).toBe(given.length);
      }),
    );
  });

  it.each(['', 'a\nb', '\r', 'a\r\nb', '~end', '~', 'then'])('rejects the name %j', (name) => {
    const error = refusal(() => define({ [name]: type<number>() }));
    expect(error).toMatchObject({ code: 'SSE_INVALID_CONTRACT' });
    expect((error as Error).message).toContain(`An event cannot be named ${JSON.stringify(name)}.`);
  });

  it.each([undefined, null, 5, 'a', [], [type<number>()]])(
    'rejects %p, which is not an object of schemas',
    (given) => {
      expect(refusal(() => define(given))).toMatchObject({
        code: 'SSE_INVALID_CONTRACT',
        message: expect.stringContaining('Pass an object: defineEvents({ name: schema }).') as string,
      });
    },
  );

  it('rejects a contract without events', () => {
    expect(refusal(() => define({}))).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
      message: 'The contract has no events. Name at least one: defineEvents({ name: schema }).',
    });
  });

  it.each([
    undefined,
    null,
    5,
    'string',
    {},
    () => true,
    { '~standard': undefined },
    { '~standard': { version: 2, validate: () => ({ value: 1 }) } },
    { '~standard': { version: 1 } },
  ])('rejects %p as a schema, and names the event', (schema) => {
    expect(refusal(() => define({ ok: type<number>(), wrong: schema }))).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
      message: expect.stringContaining('The schema of the event "wrong" is ') as string,
    });
  });
});
