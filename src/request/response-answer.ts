import { BodySink } from '../connection/body-sink.js';
import type { StreamConnection } from '../connection/connection.js';
import { copyHead } from '../connection/response-head.js';
import { PulledSource, type Teardown } from '../source/pulled.source.js';
import { openChunks } from '../source/streams.js';
import { bodyOfResponse, checkSendable, discardResponse, isWebResponse } from '../source/web-response.js';
import type { PlainAnswer } from './stream-host.js';

/** Who hears of trouble with a body. */
interface Troubles extends Teardown {
  report(error: unknown): void;
}

/**
 * Sends an answer that is a web `Response`: its status, its header fields, and its body as it comes. `false` for any other
 * answer. Once the head is out, a body that fails is cut off, so that the client does not take what it got for all of it.
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

/** Lets go of the body of an answer, sent or not. */
export function discardAnswer({ value, sending }: PlainAnswer): void {
  if (sending) sending.unsubscribe();
  else if (isWebResponse(value)) discardResponse(value);
}
