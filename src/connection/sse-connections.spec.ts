import type { StreamConnection } from './connection.js';
import { SseConnections } from './sse-connections.js';

describe('closeWhere()', () => {
  const closed: number[] = [];
  const add = (connections: SseConnections, number: number, close = (): void => void closed.push(number)) =>
    connections.add({ number, close } as unknown as StreamConnection);
  beforeEach(() => (closed.length = 0));

  it('ends all connections, and then reports those that could not be ended', () => {
    const connections = new SseConnections();
    const failure = new Error('teardown');
    add(connections, 1);
    add(connections, 2, () => {
      throw failure;
    });
    add(connections, 3);
    expect(() => connections.closeWhere(() => true)).toThrow(
      new AggregateError([failure], '1 of 3 connections could not be ended.'),
    );
    expect(closed).toEqual([1, 3]);
  });

  it('ends no connection if the function returns a promise, which would be truthy for all of them', () => {
    const connections = new SseConnections();
    add(connections, 1);
    const where = (async () => Promise.reject(new Error('a'))) as unknown as () => boolean;
    expect(() => connections.closeWhere(where)).toThrow('returned a promise');
    expect(closed).toEqual([]);
  });
});

describe('count() and countBy()', () => {
  it('reject a function that returns a promise, whose rejection does not end the process', () => {
    const connections = new SseConnections();
    connections.add({ number: 1 } as unknown as StreamConnection);
    const asked = (async () => Promise.reject(new Error('a'))) as unknown;
    expect(() => connections.count(asked as () => boolean)).toThrow('returned a promise');
    expect(() => connections.countBy(asked as () => string)).toThrow('returned a promise');
    expect(connections.count(() => true)).toBe(1);
    expect(connections.countBy(() => 'k')).toEqual(new Map([['k', 1]]));
  });
});
