import { event, latest, type Fold, type LatestState, type SseEvent } from 'nestjs-event-stream';
import { plainJson } from './plain-json.js';

interface Cell {
  readonly cell?: string;
  readonly value: number;
}

/** The stored state after some events, and the events that it becomes. */
function folded(fold: Fold<LatestState, Cell>, events: readonly SseEvent[]) {
  let state = JSON.parse(plainJson(fold.initial)) as LatestState;
  for (const each of events) state = fold.step(state, each as SseEvent & { data: Cell });
  const stored = plainJson(state);
  const sent = fold.toEvents(JSON.parse(stored) as LatestState) as SseEvent[];
  return { stored, sent: sent.map(({ type, data }) => ({ type, data })) };
}

describe('latest()', () => {
  const fold = latest<Cell>({ key: ({ data }) => data.cell });

  it('keeps the data of events without a type, and the type of the others', () => {
    const events = [
      event({ data: { cell: 'a', value: 1 } }),
      event({ data: { cell: 'b', value: 2 }, type: 'cell' }),
      event({ data: { cell: 'a', value: 3 } }),
    ];
    expect(folded(fold, events)).toEqual({
      stored: '{"~b":[{"cell":"b","value":2},"cell"],"~a":[{"cell":"a","value":3}]}',
      sent: [
        { type: 'cell', data: { cell: 'b', value: 2 } },
        { type: undefined, data: { cell: 'a', value: 3 } },
      ],
    });
  });

  it('leaves out events without a key, and comments, for which it asks no key', () => {
    const events = [
      event({ data: { cell: 'a', value: 1 } }),
      event({ data: { value: 2 } }),
      event({ comment: 'nothing new' }),
    ];
    expect(folded(fold, events).stored).toBe('{"~a":[{"cell":"a","value":1}]}');
  });
});
