import { readEventLog } from './event-log.js';
import { Prescriber } from './prescriber.js';

describe('Prescriber', () => {
  it('learns from the earlier four fifths of the cases and keeps the later ones out', async () => {
    const log = await readEventLog();
    const prescriber = new Prescriber(log);
    expect(prescriber.heldOut).toEqual(log.slice(336));
  });

  it('reports what it measured on the cases it has not seen', async () => {
    const { plugin } = new Prescriber(await readEventLog());
    expect(plugin).toEqual({
      name: 'Variable-order Markov chain',
      description: expect.stringContaining('learned from 336 cases, measured on 84 later ones'),
      accuracy: 0.7678,
      precision: 0.4968,
      recall: 0.5701,
    });
  });

  it('beats the guess that the most frequent activity always comes next', async () => {
    const prescriber = new Prescriber(await readEventLog());
    const actual = prescriber.heldOut.flatMap((trace) => trace.slice(1).map((event) => event.activity));
    const counts = new Map<string, number>();
    for (const activity of actual) counts.set(activity, (counts.get(activity) ?? 0) + 1);
    const best = Math.max(...counts.values()) / actual.length;
    expect(prescriber.plugin.accuracy).toBeGreaterThan(4 * best);
  });
});
