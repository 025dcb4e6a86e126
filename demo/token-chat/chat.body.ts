import { BadRequestException } from '@nestjs/common';

/** A message of the AI SDK, with the fields that this chat uses. */
export interface ChatMessage {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly parts: readonly { readonly type: 'text'; readonly text: string }[];
}

/** A question and its chat. */
export interface Question {
  readonly id: string;
  readonly message: ChatMessage;
}

const ID = /^[\w-]{1,64}$/;
const MAX_PROMPT_LENGTH = 2000;

/**
 * Reads the question from the body of `useChat()`: the last message of the user, and the id of the chat.
 *
 * @throws {BadRequestException} if one of them is missing.
 */
export function readChatQuestion(body: unknown): Question {
  const { id, messages } = (body ?? {}) as { id?: unknown; messages?: unknown };
  if (!Array.isArray(messages)) throw new BadRequestException('"messages" must be an array of messages.');
  const { id: messageId, role, parts } = (messages.at(-1) ?? {}) as Partial<Record<string, unknown>>;
  const text = Array.isArray(parts) ? parts.map(textOf).join('') : '';
  if (role !== 'user' || text === '' || text.length > MAX_PROMPT_LENGTH) {
    throw new BadRequestException(
      `The last message must be from the user, with a text of at most ${MAX_PROMPT_LENGTH} characters.`,
    );
  }
  return {
    id: readChatId(id),
    message: { id: readChatId(messageId), role, parts: [{ type: 'text', text }] },
  };
}

/** @throws {BadRequestException} if it is not a valid id of a chat. */
export function readChatId(id: unknown): string {
  if (typeof id === 'string' && ID.test(id)) return id;
  throw new BadRequestException('An id must have 1 to 64 letters, digits, hyphens and underscores.');
}

function textOf(part: unknown): string {
  const { type, text } = (part ?? {}) as { type?: unknown; text?: unknown };
  return type === 'text' && typeof text === 'string' ? text : '';
}
