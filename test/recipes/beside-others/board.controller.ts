import { Controller } from '@nestjs/common';
import { LastEventId, Sse } from 'nestjs-event-stream';
import { Board } from './board.js';

@Controller()
export class BoardController {
  constructor(private readonly board: Board) {}

  @Sse('api/notes')
  notes(@LastEventId() after?: string) {
    return this.board.follow(after);
  }
}
