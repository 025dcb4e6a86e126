import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { Board } from './board.js';

@WebSocketGateway({ path: '/ws' })
export class BoardGateway {
  constructor(private readonly board: Board) {}

  /** `{"event":"add","data":"text"}` adds a note, and answers with its id. */
  @SubscribeMessage('add')
  async add(@MessageBody() text: unknown) {
    return { event: 'added', data: await this.board.add(String(text)) };
  }
}
