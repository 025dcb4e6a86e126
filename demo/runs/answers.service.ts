import { Injectable } from '@nestjs/common';
import { event, type SseEvent } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import type { Question } from './question.body.js';

/** A word of an answer, and its place in it. */
export interface AnswerWord {
  readonly n: number;
  readonly word: string;
}

const WORD_MS = 80;

const STOCK = (
  'A run is work that goes on whether anybody looks or not. Close the page, open it again on another machine, and the ' +
  'answer is there from its first word, growing. Only its end ends it, or somebody who says stop.'
).split(' ');

/** A language model's stand-in, which thinks at the pace of the demo. */
@Injectable()
export class Answers {
  constructor(private readonly pace: Pace) {}

  /** The answer word by word, and an event that says that it is whole. */
  async *answer(
    { prompt, words }: Question,
    signal: AbortSignal,
  ): AsyncGenerator<AnswerWord | SseEvent, void, void> {
    for (let n = 0; n < words; n++) {
      await this.pace.sleep(WORD_MS, signal);
      if (signal.aborted) return;
      yield { n, word: STOCK[n % STOCK.length] as string };
    }
    yield event({ type: 'done', data: { prompt, words } });
  }
}
