import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Injectable } from '@nestjs/common';
import type { UiMessageChunk } from 'nestjs-event-stream/ai';
import { asset } from '../assets.js';
import { Pace } from '../pace.js';
import type { Question } from './chat.body.js';
import { Conversations } from './conversations.service.js';
import { MarkovChain } from './markov-chain.js';

const TOKEN_MS = 70;
const LENGTH = 120;

/** The chunk that begins a message. */
interface StartChunk extends UiMessageChunk {
  readonly type: 'start';
  readonly messageId: string;
}

/** Takes the place of a language model: a Markov chain over a text of 900 words that writes one token at a time. */
@Injectable()
export class Model {
  private readonly chain = new MarkovChain(readFileSync(asset('token-chat/corpus.txt'), 'utf8'));

  constructor(
    private readonly pace: Pace,
    private readonly conversations: Conversations,
  ) {}

  /** Writes an answer and saves it with its id. An answer that is stopped is saved up to that point. */
  async *answer(
    { id, message }: Question,
    signal: AbortSignal,
  ): AsyncGenerator<StartChunk | string, void, undefined> {
    const messageId = randomUUID();
    let text = '';
    yield { type: 'start', messageId };
    for (const token of this.chain.words(message.parts[0]?.text ?? '', LENGTH, Math.random)) {
      await this.pace.sleep(TOKEN_MS, signal);
      if (signal.aborted) break;
      text += token;
      yield token;
    }
    await this.conversations.save(id, { id: messageId, role: 'assistant', parts: [{ type: 'text', text }] });
  }
}
