import { z } from 'zod';
import { defineEvents } from './event-contract.js';
import { text, type } from './payload-schemas.js';
import { readPayload } from './read-payload.js';

const contract = defineEvents({
  number: z.number(),
  total: z.coerce.number(),
  any: type<unknown>(),
  token: text(),
  short: text(z.string().max(2)),
});
const read = (name: string, data: string) => () => readPayload(contract, name, data);

describe('readPayload()', () => {
  it('reads JSON, and returns the output of the schema', () => {
    expect(read('number', '5')()).toBe(5);
    expect(read('total', '"5"')()).toBe(5);
    expect(read('any', '{"a":[1]}')()).toEqual({ a: [1] });
  });

  it('reads data that is not JSON as text', () => {
    expect(read('any', 'so: {')()).toBe('so: {');
    expect(read('any', '')()).toBe('');
  });

  it('does not read text as JSON', () => {
    expect(read('token', '5')()).toBe('5');
    expect(read('short', '[]')()).toBe('[]');
    expect(read('short', 'abc')).toThrow('The data of the event "short" breaks its contract.');
  });

  it('returns the data of an event that the contract does not have', () => {
    expect(read('gap', '{"oldest":null}')()).toEqual({ oldest: null });
    expect(read('other', 'a b')()).toBe('a b');
    expect(read('constructor', '1')()).toBe(1);
  });

  it('says whether the data is JSON, if it breaks the contract', () => {
    expect(read('number', '"x"')).toThrow('The data of the event "number" breaks its contract. data: ');
    expect(read('number', 'x')).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_EVENT',
        message: expect.stringMatching(
          /^The data of the event "number" is not JSON: "x"\. .*Correct the server, or use text\(\) in the contract\./s,
        ) as string,
        context: { event: 'number', data: 'x' },
        cause: expect.objectContaining({ code: 'SSE_INVALID_EVENT' }) as unknown,
      }),
    );
  });
});
