import { clusterSlot } from './cluster-slot.js';

describe('clusterSlot()', () => {
  // The answers of CLUSTER KEYSLOT.
  it.each([
    ['123456789', 12739],
    ['', 0],
    ['{}', 15257],
    ['{}a', 10875],
    ['a{b}c', 3300],
    ['a{b}{c}', 3300],
    ['{{a}}', 10276],
    ['a{', 14311],
    ['a}b{c}', 7365],
    ['ö{ü}', 9552],
    ['sse:{order:7}:log', 6368],
  ])('of %j is %i', (key, slot) => expect(clusterSlot(key)).toBe(slot));
});
