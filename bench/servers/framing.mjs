/** The head of the servers without a framework. */
export const HEAD = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-store, no-transform',
  'X-Accel-Buffering': 'no',
};

/** An event in the event stream format. */
export function frame(data) {
  return `data: ${JSON.stringify(data)}\n\n`;
}

/** Text as one chunk of the chunked coding, ready for the socket. */
export function chunk(text) {
  const bytes = Buffer.byteLength(text);
  return Buffer.from(`${bytes.toString(16)}\r\n${text}\r\n`);
}

/** A response or socket with more queued bytes than this is disconnected: the simplest bound possible. */
export const MAX_QUEUED_BYTES = 1_048_576;
