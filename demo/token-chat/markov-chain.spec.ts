import { readFileSync } from 'node:fs';
import { asset } from '../assets.js';
import { MarkovChain } from './markov-chain.js';

const TEXT = 'The sea is gray. The sea is slow. A ship is here.';

describe('a Markov chain', () => {
  it('continues each pair of words with a word that follows it in the text', () => {
    const chain = new MarkovChain(TEXT);
    for (const random of [0, 0.4, 0.99]) {
      const words = [...chain.words('', 30, () => random)].map((word) => word.trim());
      for (let at = 0; at + 2 < words.length; at++) {
        const [first, second, next] = words.slice(at);
        // After the end of the text, it begins with another sentence.
        const begins = /\./.test(`${first} ${second}`);
        expect([words[at], begins || TEXT.includes(`${first} ${second} ${next}`)]).toEqual([first, true]);
      }
    }
  });

  it('begins with a sentence about a word of the prompt, and ends with a sentence', () => {
    const chain = new MarkovChain(TEXT);
    const text = [...chain.words('Where is the SHIP?', 3, () => 0)].join('');
    expect(text).toMatch(/^A ship is here\. /);
    expect(text).toMatch(/\. $/);
  });

  it('ends for any random choice from the text of the demo', () => {
    const chain = new MarkovChain(readFileSync(asset('token-chat/corpus.txt'), 'utf8'));
    for (let n = 0; n < 200; n++) {
      const words = [...chain.words(n % 2 ? 'the ferry' : '', 60, Math.random)];
      expect(words.length).toBeGreaterThanOrEqual(60);
      expect(words.length).toBeLessThan(400);
    }
  });
});
