import { z } from 'zod';
import { defineEvents, type AnyContract } from './event-contract.js';
import { GapEvent } from './library-events.js';
import { text } from './payload-schemas.js';
import { raw } from './raw.js';
import { comment, event, retryAfter } from './sse-event.js';
import { validateValue } from './valid-value.js';

const named = defineEvents({ progress: z.object({ percent: z.number() }) });
const unnamed = defineEvents({ message: z.number(), stopped: text() });
const validate =
  (contract: AnyContract, value: unknown, emits: 'events' | 'data' = 'events') =>
  () =>
    validateValue(contract, value, emits);

describe('validateValue()', () => {
  it('validates an event by the schema of its name', () => {
    expect(validate(named, event({ type: 'progress', data: { percent: 1 } }))).not.toThrow();
    expect(validate(named, event({ type: 'progress', data: { percent: 'x' } }))).toThrow('data.percent');
    expect(validate(named, event({ type: 'other', data: 1 }))).toThrow('The contract has no event "other".');
    expect(validate(unnamed, event({ data: 1 }))).not.toThrow();
    expect(validate(unnamed, event({ data: 'x' }))).toThrow('The data of the event "message"');
  });

  it('reads a plain object as a MessageEvent, unless each value is data', () => {
    const wrong = { type: 'progress', data: { percent: 'x' } };
    expect(validate(named, { type: 'progress', data: { percent: 1 } })).not.toThrow();
    expect(validate(named, wrong)).toThrow('data.percent');
    expect(validate(named, wrong, 'data')).toThrow('The contract has no event "message".');
    const payload = defineEvents({ message: z.object({ type: z.string(), data: z.object({}) }) });
    expect(validate(payload, wrong, 'data')).not.toThrow();
  });

  it('validates any other value as the data of an event without a name', () => {
    expect(validate(unnamed, 5)).not.toThrow();
    for (const value of ['5', null, { percent: 1 }, [1]]) {
      expect(validate(unnamed, value)).toThrow('The data of the event "message"');
    }
    expect(validate(named, 5)).toThrow('The contract has no event "message".');
  });

  it('accepts what has no data', () => {
    for (const value of [
      undefined,
      comment('a'),
      retryAfter(5),
      raw('data: 1\n\n'),
      { retry: 5 },
      { comment: 'a' },
    ]) {
      expect(validate(named, value)).not.toThrow();
    }
  });

  it('accepts the events of the library, unless the contract describes them', () => {
    const gap = new GapEvent('gap', 'id', undefined, undefined, { requested: 'a', oldest: null } as never);
    expect(validate(named, gap)).not.toThrow();
    expect(validate(named, event({ type: 'gap', data: 1 }))).toThrow('The contract has no event "gap".');
    expect(validate(named, event({ type: 'stopped', data: 1 }))).not.toThrow();
    expect(validate(unnamed, event({ type: 'stopped', data: 1 }))).toThrow('The data of the event "stopped"');
    const own = defineEvents({ gap: z.number() });
    expect(validate(own, gap)).toThrow('The data of the event "gap"');
  });
});
