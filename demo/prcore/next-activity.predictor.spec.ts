import { NextActivityPredictor } from './next-activity.predictor.js';

const times = (count: number, activities: string[]): string[][] => Array<string[]>(count).fill(activities);

describe('NextActivityPredictor', () => {
  it('predicts from the longest sequence with enough observations', () => {
    const predictor = new NextActivityPredictor().train([
      ...times(6, ['A', 'B', 'C']),
      ...times(5, ['X', 'B', 'D']),
    ]);
    expect(predictor.predict(['A', 'B'])).toBe('C');
    expect(predictor.predict(['X', 'B'])).toBe('D');
    expect(predictor.predict(['B'])).toBe('C');
  });

  it('uses a shorter sequence if the longer one was seen too rarely', () => {
    const predictor = new NextActivityPredictor().train([
      ...times(6, ['A', 'B', 'C']),
      ...times(4, ['X', 'B', 'D']),
    ]);
    expect(predictor.predict(['X', 'B'])).toBe('C');
  });

  it('falls back to the most frequent activity for an unknown sequence', () => {
    const predictor = new NextActivityPredictor().train([...times(2, ['A', 'B']), ...times(3, ['A', 'C'])]);
    expect(predictor.predict(['Z'])).toBe('C');
    expect(predictor.predict([])).toBe('C');
  });

  it('predicts nothing before it is trained', () => {
    expect(new NextActivityPredictor().predict(['A'])).toBeUndefined();
  });
});
