/** Number of words that the next word depends on. */
const ORDER = 2;

/**
 * A Markov chain of words. It knows which words follow each pair of words in a text. It takes the place of a language
 * model. Its output looks like the text, but has no meaning.
 */
export class MarkovChain {
  private readonly followers = new Map<string, string[]>();
  /** The pairs that begin a sentence. */
  private readonly openings: [string, string][] = [];

  constructor(text: string) {
    const words = text.split(/\s+/).filter((word) => word !== '');
    for (let at = 0; at + ORDER < words.length; at++) {
      const [first, second, next] = words.slice(at) as [string, string, string];
      const key = keyOf(first, second);
      const known = this.followers.get(key);
      if (known) known.push(next);
      else this.followers.set(key, [next]);
      if (at === 0 || endsSentence(words[at - 1])) this.openings.push([first, second]);
    }
  }

  /**
   * The words of an answer, each with a space after it. The answer ends with the first sentence that reaches `length`
   * words. It begins with a word of the prompt if possible.
   *
   * @param random Returns a number from 0 to 1.
   */
  *words(prompt: string, length: number, random: () => number): Generator<string, void, void> {
    const asked = new Set(prompt.toLowerCase().match(/\p{L}{4,}/gu));
    const fitting = this.openings.filter((pair) => pair.some((word) => asked.has(bare(word))));
    let [first, second] = pick(fitting.length > 0 ? fitting : this.openings, random);
    yield `${first} `;
    for (let count = 1; ; count++) {
      yield `${second} `;
      if (endsSentence(second) && count >= length) return;
      const next = this.followers.get(keyOf(first, second));
      if (next) [first, second] = [second, pick(next, random)];
      else {
        // These are the last words of the text, so no word follows them.
        [first, second] = pick(this.openings, random);
        yield `${first} `;
      }
    }
  }
}

function keyOf(first: string, second: string): string {
  return `${first} ${second}`;
}

function endsSentence(word: string | undefined): boolean {
  return word !== undefined && /[.?!]$/.test(word);
}

function bare(word: string): string {
  return word.toLowerCase().replace(/[^\p{L}]/gu, '');
}

function pick<T>(of: readonly T[], random: () => number): T {
  return of[Math.floor(random() * of.length)] as T;
}
