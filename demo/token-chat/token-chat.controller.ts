import {
  Body,
  Controller,
  Delete,
  Get,
  Param,
  RequestMethod,
  ServiceUnavailableException,
  UseFilters,
} from '@nestjs/common';
import { Runs } from 'nestjs-event-stream';
import {
  UiMessages,
  resumeAnswer,
  startAnswer,
  stopAnswer,
  type UiMessageChunk,
} from 'nestjs-event-stream/ai';
import { SseErrorFilter } from '../channels/sse-error.filter.js';
import { readChatId, readChatQuestion, type ChatMessage } from './chat.body.js';
import { Conversations } from './conversations.service.js';
import { Model } from './model.service.js';

/** Maximum number of answers and other runs in this process. */
const MAX_RUNS = 500;

/** The routes of `useChat()` of the AI SDK, at its default addresses. */
@Controller('api/chat')
export class TokenChatController {
  constructor(
    private readonly runs: Runs,
    private readonly model: Model,
    private readonly conversations: Conversations,
  ) {}

  @UiMessages({ method: RequestMethod.POST })
  async send(@Body() body: unknown): Promise<AsyncIterable<UiMessageChunk>> {
    const question = readChatQuestion(body);
    if (this.runs.size() >= MAX_RUNS) throw new ServiceUnavailableException('Too many runs.');
    return startAnswer(this.runs, runOf(question.id), async (signal) => {
      // At this point no other answer of this chat is being written.
      await this.conversations.save(question.id, question.message);
      return this.model.answer(question, signal);
    });
  }

  @UiMessages(':id/stream')
  resume(@Param('id') id: string): Promise<AsyncIterable<UiMessageChunk> | Response> {
    return resumeAnswer(this.runs, runOf(readChatId(id)), { replayEnded: true });
  }

  @Delete(':id/stream')
  @UseFilters(SseErrorFilter)
  stop(@Param('id') id: string): Promise<{ stopped: boolean }> {
    return stopAnswer(this.runs, runOf(readChatId(id)));
  }

  @Get(':id')
  async messages(@Param('id') id: string): Promise<{ messages: readonly ChatMessage[] }> {
    return { messages: await this.conversations.read(readChatId(id)) };
  }
}

function runOf(chat: string): string {
  return `chat:${chat}`;
}
