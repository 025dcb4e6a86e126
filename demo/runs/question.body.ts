import { BadRequestException } from '@nestjs/common';

/** The question that a run answers, and the length of the answer. */
export interface Question {
  readonly prompt: string;
  readonly words: number;
}

const DEFAULTS: Question = { prompt: 'What is a run?', words: 100 };
const MAX_PROMPT_LENGTH = 2000;
const MAX_WORDS = 9000;

/**
 * Reads the question from the body of `POST /runs/:id`. Without a body, it is a default question.
 *
 * @throws {BadRequestException} for a prompt or a number of words that is not valid.
 */
export function readQuestion(body: unknown): Question {
  if (body === undefined || body === null) return DEFAULTS;
  if (typeof body !== 'object' || Array.isArray(body)) {
    throw new BadRequestException('The body must be a JSON object: {"prompt": "…", "words": 100}.');
  }
  const { prompt = DEFAULTS.prompt, words = DEFAULTS.words } = body as Partial<Record<string, unknown>>;
  if (typeof prompt !== 'string' || prompt.length > MAX_PROMPT_LENGTH) {
    throw new BadRequestException(`"prompt" must be a string of at most ${MAX_PROMPT_LENGTH} characters.`);
  }
  if (!Number.isInteger(words) || (words as number) < 1 || (words as number) > MAX_WORDS) {
    throw new BadRequestException(`"words" must be a whole number from 1 to ${MAX_WORDS}.`);
  }
  return { prompt, words: words as number };
}
