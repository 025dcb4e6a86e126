import { type as ark } from 'arktype';
import * as v from 'valibot';
import { z } from 'zod';
import { defineEvents, type AnyContract } from './event-contract.js';
import { text, type } from './payload-schemas.js';
import { validPayload } from './valid-payload.js';

const schema = (validate: (value: unknown) => unknown): AnyContract =>
  defineEvents({ a: { '~standard': { version: 1, vendor: 'test', validate } } } as never) as never;
const refusal = (contract: AnyContract, data: unknown, name = 'a'): unknown => {
  try {
    return validPayload(contract, name, data);
  } catch (error) {
    return error;
  }
};

describe.each<[string, AnyContract, message: RegExp]>([
  [
    'zod',
    defineEvents({ a: z.object({ list: z.array(z.object({ n: z.number() })) }) }),
    /^Invalid input: expected number/,
  ],
  [
    'valibot',
    defineEvents({ a: v.object({ list: v.array(v.object({ n: v.number() })) }) }),
    /^Invalid type: Expected number/,
  ],
  ['arktype', defineEvents({ a: ark({ list: ark({ n: 'number' }).array() }) }), /must be a number/],
])('a schema of %s', (_library, contract, message) => {
  it('accepts data that it describes', () => {
    expect(validPayload(contract, 'a', { list: [{ n: 1 }] })).toEqual({ list: [{ n: 1 }] });
  });

  it('reports why it rejects other data, in its own words', () => {
    const error = refusal(contract, { list: [{ n: 1 }, { n: 'x' }] });
    expect(error).toMatchObject({
      code: 'SSE_INVALID_EVENT',
      context: {
        event: 'a',
        issues: [{ path: 'data.list[1].n', message: expect.stringMatching(message) as string }],
      },
    });
    expect((error as Error).message).toContain(
      'The data of the event "a" breaks its contract. data.list[1].n: ',
    );
  });
});

describe('the payload of an event', () => {
  it('is the output of the schema', () => {
    const contract = defineEvents({ a: z.coerce.number(), b: z.object({ c: z.number().default(7) }) });
    expect(validPayload(contract, 'a', '5')).toBe(5);
    expect(validPayload(contract, 'b', {})).toEqual({ c: 7 });
  });

  it('of type() is any value, and of text() any text', () => {
    const contract = defineEvents({ any: type<number>(), text: text(), short: text(z.string().max(2)) });
    expect(validPayload(contract, 'any', 'not a number')).toBe('not a number');
    expect(validPayload(contract, 'text', '5')).toBe('5');
    expect(validPayload(contract, 'short', 'ab')).toBe('ab');
    expect(refusal(contract, 5, 'text')).toMatchObject({
      code: 'SSE_INVALID_EVENT',
      message:
        'The data of the event "text" breaks its contract. data: expected text, received number. Correct the data, or the schema.',
    });
    expect(refusal(contract, 'abc', 'short')).toMatchObject({ code: 'SSE_INVALID_EVENT' });
  });

  it('has a name of the contract', () => {
    const contract = defineEvents({ 'a b': type<number>(), message: type<number>() });
    for (const name of ['c', '', '__proto__', 'toString', '~contract']) {
      expect(refusal(contract, 1, name)).toMatchObject({
        code: 'SSE_INVALID_EVENT',
        message: `The contract has no event ${JSON.stringify(name)}. Use one of "a b", "message", or add the event to the contract.`,
        context: { event: name },
      });
    }
  });

  it('is described on one line, however many issues there are and whatever they say', () => {
    const issues = Array.from({ length: 5 }, (_, i) => ({
      message: `no\n${'x'.repeat(300)}.`,
      path: ['a b', { key: i }],
    }));
    const error = refusal(
      schema(() => ({ issues })),
      1,
    );
    const { message } = error as Error;
    expect(message).not.toContain('\n');
    expect(message.length).toBeLessThan(900);
    expect(message).toContain(`data["a b"][0]: no ${'x'.repeat(197)}…; data["a b"][1]: no `);
    expect(message).toContain('… (and 2 more). Correct');
    expect(error).toMatchObject({ context: { issues: { length: 5 } } });
  });

  it.each([
    ['a   b\n\tc.', 'a b c'],
    ['a. b..', 'a. b.'],
    ['x'.repeat(200), 'x'.repeat(200)],
    ['x'.repeat(201), `${'x'.repeat(200)}…`],
  ])('is rejected with the message of the schema on one line, without its end: %j', (message, line) => {
    const issue = { message, path: ['n'] };
    const error = (count: number) =>
      refusal(
        schema(() => ({ issues: Array.from({ length: count }, () => issue) })),
        1,
      );
    expect(error(1)).toMatchObject({
      message: `The data of the event "a" breaks its contract. data.n: ${line}. Correct the data, or the schema.`,
    });
    expect((error(3) as Error).message).not.toContain('more');
  });
});

describe('an unusable schema', () => {
  it.each([
    ['that is asynchronous', () => Promise.resolve({ value: 1 })],
    ['that rejects', () => Promise.reject(new Error('late'))],
    ['that never settles', () => new Promise(() => undefined)],
    ['that returns a thenable', () => ({ then: (): void => undefined })],
  ])('%s is rejected at once', async (_how, validate) => {
    expect(refusal(schema(validate), 1)).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
      message:
        'The schema of the event "a" answered with a promise. Events are validated synchronously. Remove checks that are asynchronous.',
      context: { event: 'a' },
    });
    // An unhandled rejection would end the process, and fail the test.
    await new Promise((resolve) => setImmediate(resolve));
  });

  it('of zod with an asynchronous check is rejected as well', () => {
    const contract = defineEvents({ a: z.number().refine(() => Promise.resolve(true)) });
    expect(refusal(contract, 1)).toMatchObject({ code: 'SSE_INVALID_CONTRACT' });
  });

  it('that throws is the cause of the error', () => {
    const cause = new Error('broken');
    const contract = schema(() => {
      throw cause;
    });
    expect(refusal(contract, 1)).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
      message: expect.stringContaining('The schema of the event "a" threw an error.') as string,
      cause,
    });
  });

  it.each([undefined, null, true, 'value'])('that answers with %p is rejected', (answer) => {
    expect(
      refusal(
        schema(() => answer),
        1,
      ),
    ).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
      message: expect.stringContaining('The schema of the event "a" did not return a result.') as string,
    });
  });
});
