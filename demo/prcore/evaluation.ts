/** The quality of predictions. Each figure is between 0 and 1. */
export interface Quality {
  /** The share of predictions that were right. */
  readonly accuracy: number;
  /**
   * The share of right predictions among the predictions of an activity, averaged over the activities that happened.
   */
  readonly precision: number;
  /** The share of an activity's occurrences that were predicted, averaged in the same way. */
  readonly recall: number;
}

/**
 * Measures a predictor on cases that it has not seen. At every event except the last of a case, the prediction is
 * compared with the activity that followed. Precision and recall are macro averages: a rare activity counts as much
 * as a frequent one. An activity that is never predicted has a precision of 0. The figures are rounded to four
 * digits.
 */
export function evaluate(
  predict: (activities: readonly string[]) => string | undefined,
  cases: Iterable<readonly string[]>,
): Quality {
  const happened = new Map<string, number>();
  const predicted = new Map<string, number>();
  const right = new Map<string, number>();
  for (const activities of cases) {
    for (let end = 1; end < activities.length; end++) {
      const actual = activities[end] as string;
      const guess = predict(activities.slice(0, end));
      count(happened, actual);
      if (guess !== undefined) count(predicted, guess);
      if (guess === actual) count(right, actual);
    }
  }
  const share = (whole: ReadonlyMap<string, number>) => (activity: string) =>
    (right.get(activity) ?? 0) / (whole.get(activity) ?? Infinity);
  const activities = [...happened.keys()];
  return {
    accuracy: rounded(sum(right.values()) / Math.max(1, sum(happened.values()))),
    precision: rounded(sum(activities.map(share(predicted))) / Math.max(1, activities.length)),
    recall: rounded(sum(activities.map(share(happened))) / Math.max(1, activities.length)),
  };
}

function count(counts: Map<string, number>, activity: string): void {
  counts.set(activity, (counts.get(activity) ?? 0) + 1);
}

function sum(numbers: Iterable<number>): number {
  let total = 0;
  for (const number of numbers) total += number;
  return total;
}

function rounded(share: number): number {
  return Math.round(share * 10_000) / 10_000;
}
