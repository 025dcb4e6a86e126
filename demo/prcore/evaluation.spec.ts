import { evaluate } from './evaluation.js';

describe('evaluate', () => {
  it('counts one prediction for every event except the last of a case', () => {
    const asked: string[] = [];
    evaluate((activities) => (asked.push(activities.join('')), 'B'), [['A', 'B', 'C'], ['A']]);
    expect(asked).toEqual(['A', 'AB']);
  });

  it('averages precision and recall over the activities that happened, with equal weights', () => {
    // B is predicted three times and right twice; C happens once and is never predicted.
    const cases = [
      ['A', 'B'],
      ['A', 'B'],
      ['A', 'C'],
    ];
    expect(evaluate(() => 'B', cases)).toEqual({
      accuracy: 0.6667,
      precision: 0.3333,
      recall: 0.5,
    });
  });

  it('gives 1 to a predictor that is always right, and 0 to one that predicts nothing', () => {
    expect(
      evaluate(
        ([first]) => `${first}2`,
        [
          ['a', 'a2'],
          ['b', 'b2'],
        ],
      ),
    ).toEqual({
      accuracy: 1,
      precision: 1,
      recall: 1,
    });
    expect(evaluate(() => undefined, [['A', 'B']])).toEqual({ accuracy: 0, precision: 0, recall: 0 });
  });

  it('gives 0 if there was nothing to predict', () => {
    expect(evaluate(() => 'A', [['A']])).toEqual({ accuracy: 0, precision: 0, recall: 0 });
  });
});
