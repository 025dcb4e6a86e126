import { Injectable } from '@nestjs/common';
import { event, type SseEvent } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import type { Question } from './question.body.js';

/** A word of an answer, and its position. */
export interface AnswerWord {
  readonly n: number;
  readonly word: string;
}

const WORD_MS = 80;

const STOCK = (
  'A run is work that goes on whether anybody looks or not. Close the page, open it again on another machine, and the ' +
  'answer is there from its first word, growing. Only its end ends it, or somebody who says stop.'
).split(' ');

/** Replaces a language model, and writes at the pace of the demo. */
@Injectable()
export class Answers {
  constructor(private readonly pace: Pace) {}

  /** Yields the answer word by word, then an event that marks its end. */
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
