import { concat, event, type ConcatOptions, type SseEvent } from 'nestjs-event-stream';

const given = [
  event({ data: 'a' }),
  event({ data: 7 }),
  event({ comment: 'b' }),
  event({ data: { c: 'd' } }),
];

/** The text after the events above. */
function joined(options?: ConcatOptions): string {
  const fold = concat(options);
  return given.reduce((state, each) => fold.step(state, each as SseEvent & { data: unknown }), fold.initial);
}

describe('concat()', () => {
  it('joins the data of events that are strings, and leaves out all other events', () => {
    expect(joined()).toBe('a');
  });

  it('joins the texts that its function finds', () => {
    expect(joined({ text: ({ data }) => (typeof data === 'number' ? `<${data}>` : undefined) })).toBe('<7>');
  });
});
