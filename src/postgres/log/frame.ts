const NUL = '\0';
/** Begins a frame that is written as JSON. */
const ESCAPED = '\u0001';

/** A frame as text that PostgreSQL can store. Its text cannot contain U+0000. */
export function encodeFrame(frame: string): string {
  return frame.includes(NUL) || frame.startsWith(ESCAPED) ? ESCAPED + JSON.stringify(frame) : frame;
}

/** The frame of a stored text. */
export function decodeFrame(text: string): string {
  return text.startsWith(ESCAPED) ? (JSON.parse(text.slice(1)) as string) : text;
}
