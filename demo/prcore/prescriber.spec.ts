import { readEventLog } from './event-log.js';
import { Prescriber } from './prescriber.js';

describe('Prescriber', () => {
  it('learns from the earliest 80% of the cases and holds out the later ones', async () => {
    const log = await readEventLog();
    const prescriber = new Prescriber(log);
    expect(prescriber.heldOut).toEqual(log.slice(336));
  });

  it('reports the quality that it measured on the held-out cases', async () => {
    const { plugin } = new Prescriber(await readEventLog());
    expect(plugin).toEqual({
      name: 'Variable-order Markov chain',
      description: expect.stringContaining('learned from 336 cases, measured on 84 later ones'),
      accuracy: 0.7678,
      precision: 0.4968,
      recall: 0.5701,
    });
  });

  it('beats a predictor that always predicts the most frequent activity', async () => {
    const prescriber = new Prescriber(await readEventLog());
    const actual = prescriber.heldOut.flatMap((trace) => trace.slice(1).map((event) => event.activity));
    const counts = new Map<string, number>();
    for (const activity of actual) counts.set(activity, (counts.get(activity) ?? 0) + 1);
    const best = Math.max(...counts.values()) / actual.length;
    expect(prescriber.plugin.accuracy).toBeGreaterThan(4 * best);
  });
});
