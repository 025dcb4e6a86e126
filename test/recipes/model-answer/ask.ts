import { connect } from 'nestjs-event-stream/client';

interface ChatEvents {
  message: { text: string };
  done: object;
  error: { message: string };
}

/** Yields the answer in pieces. Throws if the answer is not complete. */
export async function* ask(server: string, prompt: string, signal?: AbortSignal): AsyncGenerator<string> {
  // Without retries: a second request would ask the model again.
  const events = connect<ChatEvents>(`${server}/chat`, { body: { prompt }, retry: false, signal });
  for await (const event of events) {
    if (event.type === 'error') throw new Error(event.json().message);
    if (event.type === 'done') return;
    if (event.type === 'message') yield event.json().text;
  }
  throw new Error('The server ended the stream before the answer was complete.');
}
