import { BodySink } from '../connection/body-sink.js';
import type { StreamConnection } from '../connection/connection.js';
import { copyHead } from '../connection/response-head.js';
import { PulledSource, type Teardown } from '../source/pulled.source.js';
import { openChunks } from '../source/streams.js';
import { bodyOfResponse, checkSendable, discardResponse, isWebResponse } from '../source/web-response.js';
import type { PlainAnswer } from './stream-host.js';

/** Receives the errors of a body. */
interface Troubles extends Teardown {
  report(error: unknown): void;
}

/**
 * Sends an answer that is a web `Response`: its status, its header fields, and its body as it comes. Returns `false` for any
 * other answer. If the body fails after the head, the connection is cut, so that the client does not mistake the part that it
 * received for the whole.
 *
 * @throws {SseError} `SSE_NOT_STREAMABLE` for a `Response` that cannot be sent.
 */
export function sendResponse(answer: PlainAnswer, connection: StreamConnection, troubles: Troubles): boolean {
  const { value: response } = answer;
  if (!isWebResponse(response)) return false;
  checkSendable(response);
  const body = bodyOfResponse(response);
  const sink = new BodySink(connection.response, {
    sent: () => connection.release(),
    failed: (error) => {
      if (!connection.leaving) troubles.report(error);
      connection.destroy(connection.cause);
    },
  });
  copyHead(connection.response, response);
  connection.handOver();
  if (body) {
    const drop = (): void => discardResponse(response);
    answer.sending = sink.send(new PulledSource(() => openChunks(body), troubles, drop));
  } else {
    discardResponse(response);
    sink.sendNothing();
  }
  return true;
}

/** Releases the body of an answer, whether it was sent or not. */
export function discardAnswer({ value, sending }: PlainAnswer): void {
  if (sending) sending.unsubscribe();
  else if (isWebResponse(value)) discardResponse(value);
}
