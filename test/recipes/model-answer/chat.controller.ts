import { BadRequestException, Body, Controller, RequestMethod } from '@nestjs/common';
import { Sse, SseSignal } from 'nestjs-event-stream';
import { Model } from './model.js';

@Controller()
export class ChatController {
  constructor(private readonly model: Model) {}

  @Sse('chat', { method: RequestMethod.POST, complete: { event: 'done', data: {} } })
  async *chat(@Body('prompt') prompt: unknown, @SseSignal() signal: AbortSignal) {
    if (typeof prompt !== 'string') throw new BadRequestException('Send { "prompt": "…" }.');
    for await (const text of this.model.answer(prompt, signal)) yield { text };
  }
}
