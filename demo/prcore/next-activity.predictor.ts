/** How many of a case's latest activities the longest context looks at. */
const LONGEST_CONTEXT = 4;
/** A context seen less often than this says too little: the next shorter one is asked. */
const MIN_SUPPORT = 5;

/**
 * Predicts the activity that comes next in a case: a Markov chain of variable order. It counts what followed each
 * sequence of up to four activities, and answers from the longest sequence it has seen often enough.
 */
export class NextActivityPredictor {
  readonly #followers = new Map<string, Map<string, number>>();

  /** Learns from whole cases, given as their activities in order. */
  train(cases: Iterable<readonly string[]>): this {
    for (const activities of cases) {
      for (let end = 1; end < activities.length; end++) {
        const next = activities[end] as string;
        for (const context of contexts(activities.slice(0, end))) this.#count(context, next);
      }
    }
    return this;
  }

  /** The most frequent follower of what a case has done so far; `undefined` if nothing was learned at all. */
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

/** The ends of a sequence, the longest first, the empty one last. */
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

/** Of several that are equally frequent, the one that was seen first. */
function mostFrequent(followers: ReadonlyMap<string, number>): string | undefined {
  let best: string | undefined;
  let most = 0;
  for (const [activity, count] of followers) {
    if (count > most) [best, most] = [activity, count];
  }
  return best;
}
