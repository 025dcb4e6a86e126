import type { Body, SharedBytes } from './body.js';

/** Receives the error of a response that cannot be written to. */
export interface WriteListener {
  /** Middleware of the application has replaced a method of the response, and it has thrown. */
  broken(error: unknown): void;
}

// Middleware puts its own `write()` and `end()` on responses. An error that they throw would surface in a timer, in the turn
// of a publisher, or in the middle of a delivery to other clients.

/** Calls `body.write()`. If it throws, the listener gets the error, and the result is `true`. */
export function writeText(body: Body, text: string, byteLength: number, listener: WriteListener): boolean {
  try {
    return body.write(text, byteLength);
  } catch (error) {
    listener.broken(error);
    return true;
  }
}

/** Calls `body.writeShared()`. If it throws, the listener gets the error, and the result is `true`. */
export function writeBytes(body: Body, shared: SharedBytes, listener: WriteListener): boolean {
  try {
    return body.writeShared(shared);
  } catch (error) {
    listener.broken(error);
    return true;
  }
}

/** Calls `body.end()`. If it throws, the listener gets the error. */
export function endBody(body: Body, text: string, listener: WriteListener): void {
  try {
    body.end(text);
  } catch (error) {
    listener.broken(error);
  }
}
