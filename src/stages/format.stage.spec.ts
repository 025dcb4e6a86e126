import type { Sink } from '../events/sink.js';
import { event, type SseEvent } from '../events/sse-event.js';
import { FormatStage, sequence, type IdMaker } from './format.stage.js';

class Told implements Sink<SseEvent> {
  readonly log: unknown[] = [];
  next(value: SseEvent): void {
    this.log.push(value);
  }
  error(error: unknown): void {
    this.log.push(error);
  }
  complete(): void {
    this.log.push('end');
  }
}

const stage = (out: Sink<SseEvent>, makeId?: IdMaker): FormatStage =>
  new FormatStage({ emits: 'events', serialize: JSON.stringify, makeId }, out);

describe('formatting', () => {
  it('emits one event for each value that is not empty, and the end', () => {
    const out = new Told();
    const values = stage(out);
    for (const value of ['a', undefined, { data: 1 }]) values.next(value);
    values.complete();
    expect(out.log).toEqual([event({ data: 'a' }), event({ data: '1' }), 'end']);
  });

  it('ends with the first value that is not a valid event', () => {
    const out = new Told();
    const values = stage(out);
    for (const value of ['a', 1n, 'b', 2n]) values.next(value);
    values.error(new Error('later'));
    values.complete();
    expect(out.log).toEqual([
      event({ data: 'a' }),
      expect.objectContaining({ code: 'SSE_NOT_SERIALIZABLE' }),
    ]);
  });

  it('ends with the first event that a later stage rejects', () => {
    const out = new Told();
    const cannot = new Error('cannot');
    out.next = () => {
      throw cannot;
    };
    const values = stage(out);
    expect(() => values.next('a')).not.toThrow();
    values.next('b');
    expect(out.log).toEqual([cannot]);
  });

  it('calls the function for an ID only for events with data and without an ID of their own', () => {
    const asked: unknown[] = [];
    const values = stage(new Told(), (value) => {
      asked.push(value);
      return undefined;
    });
    const given = ['a', { comment: 'c' }, { retry: 1 }, { data: 'b', id: 1 }, { data: 'c' }];
    for (const value of given) values.next(value);
    expect(asked).toEqual(['a', { data: 'c' }]);
  });
});

describe('a sequence', () => {
  it.each([
    [undefined, '1'],
    ['', '1'],
    ['0', '1'],
    ['41', '42'],
    ['007', '8'],
    ['999999999999999', '1000000000000000'],
    ['1000000000000000', '1'],
    ['-1', '1'],
    ['1.5', '1'],
    ['x', '1'],
    ['~end', '1'],
  ])('after %p begins with %p', (lastEventId, first) => {
    const next = sequence(lastEventId);
    expect(next(undefined)).toBe(first);
    expect(next(undefined)).toBe(String(Number(first) + 1));
  });
});
