import { NextActivityPredictor } from './next-activity.predictor.js';

const times = (count: number, activities: string[]): string[][] => Array<string[]>(count).fill(activities);

describe('NextActivityPredictor', () => {
  it('answers from the longest sequence that it knows well enough', () => {
    const predictor = new NextActivityPredictor().train([
      ...times(6, ['A', 'B', 'C']),
      ...times(5, ['X', 'B', 'D']),
    ]);
    expect(predictor.predict(['A', 'B'])).toBe('C');
    expect(predictor.predict(['X', 'B'])).toBe('D');
    expect(predictor.predict(['B'])).toBe('C');
  });

  it('asks the shorter sequence where the longer one was seen too seldom', () => {
    const predictor = new NextActivityPredictor().train([
      ...times(6, ['A', 'B', 'C']),
      ...times(4, ['X', 'B', 'D']),
    ]);
    expect(predictor.predict(['X', 'B'])).toBe('C');
  });

  it('falls back to the most frequent activity of all for what it has never seen', () => {
    const predictor = new NextActivityPredictor().train([...times(2, ['A', 'B']), ...times(3, ['A', 'C'])]);
    expect(predictor.predict(['Z'])).toBe('C');
    expect(predictor.predict([])).toBe('C');
  });

  it('says nothing before it has learned anything', () => {
    expect(new NextActivityPredictor().predict(['A'])).toBeUndefined();
  });
});
