import { ServiceUnavailableException } from '@nestjs/common';
import type { Outcome } from './outcome.js';
import type { PlainAnswer, RoutedStream, StreamHost } from './stream-host.js';

/** A request that gets an ordinary answer in place of a stream. */
interface AnsweredRequest extends RoutedStream {
  readonly host: StreamHost;
  readonly troubles: { toError(error: unknown): unknown };
}

/** Sends an ordinary answer, and tells Nest when it was sent, or that it could not be. */
export function replyTo(request: AnsweredRequest, answer: PlainAnswer, outcome: Outcome): void {
  request.host.answer(request, answer).then(
    () => outcome.answered(),
    (error: unknown) => outcome.failed(request.troubles.toError(error)),
  );
}

/** Refuses a request with 503: the application shuts down, and nobody is to wait for what stands before the stream. */
export function turnAway(request: AnsweredRequest, outcome: Outcome): void {
  const error = new ServiceUnavailableException('The application is shutting down.');
  if (outcome.awaited) outcome.failed(error);
  // Nest is in a pipe, for who knows how long, and can be told nothing.
  else replyTo(request, { value: error.getResponse(), status: error.getStatus() }, outcome);
}
