/** Maximum number of latest activities in a context. */
const LONGEST_CONTEXT = 4;
/** A context with fewer observations is not used. The next shorter one is used instead. */
const MIN_SUPPORT = 5;

/**
 * Predicts the next activity of a case with a Markov chain of variable order. It counts the activities that followed
 * each sequence of up to four activities, and predicts from the longest sequence with enough observations.
 */
export class NextActivityPredictor {
  readonly #followers = new Map<string, Map<string, number>>();

  /** Trains on complete cases, given as their activities in order. */
  train(cases: Iterable<readonly string[]>): this {
    for (const activities of cases) {
      for (let end = 1; end < activities.length; end++) {
        const next = activities[end] as string;
        for (const context of contexts(activities.slice(0, end))) this.#count(context, next);
      }
    }
    return this;
  }

  /** The most frequent activity after the latest ones of a case, or `undefined` if the predictor is not trained. */
  predict(activities: readonly string[]): string | undefined {
    for (const context of contexts(activities)) {
      const followers = this.#followers.get(context);
      if (followers !== undefined && (context === '' || support(followers) >= MIN_SUPPORT)) {
        return mostFrequent(followers);
      }
    }
    return undefined;
  }

  #count(context: string, next: string): void {
    const followers = this.#followers.get(context) ?? new Map<string, number>();
    followers.set(next, (followers.get(next) ?? 0) + 1);
    this.#followers.set(context, followers);
  }
}

/** The suffixes of a sequence, from the longest to the empty one. */
function* contexts(activities: readonly string[]): Generator<string> {
  for (let length = Math.min(LONGEST_CONTEXT, activities.length); length > 0; length--) {
    yield activities.slice(-length).join('\n');
  }
  yield '';
}

function support(followers: ReadonlyMap<string, number>): number {
  let sum = 0;
  for (const count of followers.values()) sum += count;
  return sum;
}

/** The most frequent follower. Of several that are equally frequent, the one that was seen first. */
function mostFrequent(followers: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  let most = 0;
  for (const [activity, count] of followers) {
    if (count > most) [best, most] = [activity, count];
  }
  return best;
}
