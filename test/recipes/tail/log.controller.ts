import { Controller } from '@nestjs/common';
import { event, LastEventId, Sse, SseSignal } from 'nestjs-event-stream';
import { tailLines } from './tail-lines.js';

@Controller()
export class LogController {
  @Sse('log')
  async *log(@SseSignal() signal: AbortSignal, @LastEventId() after?: string) {
    const path = process.env.LOG_FILE ?? 'app.log';
    for await (const { id, text } of tailLines(path, signal, after)) yield event({ id, data: text });
  }
}
