import { Injectable } from '@nestjs/common';
import { Records } from '../state/records.js';
import type { ChatMessage } from './chat.body.js';

/** Maximum number of messages that are kept of a chat. */
const KEPT = 100;

/** The messages of all chats. A real application keeps them in its database. */
@Injectable()
export class Conversations {
  constructor(private readonly records: Records) {}

  /** The messages of a chat. The list is empty if its id was never used. */
  async read(id: string): Promise<readonly ChatMessage[]> {
    return (await this.records.read<ChatMessage[]>(recordOf(id))) ?? [];
  }

  /** Adds a message, or replaces the one with its id. */
  async save(id: string, message: ChatMessage): Promise<void> {
    await this.records.update<ChatMessage[]>(recordOf(id), (now = []) =>
      [...now.filter((other) => other.id !== message.id), message].slice(-KEPT),
    );
  }
}

function recordOf(id: string): string {
  return `token-chat/${id}`;
}
