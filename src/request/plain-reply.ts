import { ServiceUnavailableException } from '@nestjs/common';
import type { Outcome } from './outcome.js';
import type { PlainAnswer, RoutedStream, StreamHost } from './stream-host.js';

/** A request that gets an ordinary answer instead of a stream. */
interface AnsweredRequest extends RoutedStream {
  readonly host: StreamHost;
  readonly troubles: { toError(error: unknown): unknown };
}

/** Sends an ordinary answer, and reports to Nest that it was sent or that it failed. */
export function replyTo(request: AnsweredRequest, answer: PlainAnswer, outcome: Outcome): void {
  request.host.answer(request, answer).then(
    () => outcome.answered(),
    (error: unknown) => outcome.failed(request.troubles.toError(error)),
  );
}

/** Rejects a request with 503 because the application shuts down, even while Nest still runs pipes or interceptors. */
export function turnAway(request: AnsweredRequest, outcome: Outcome): void {
  const error = new ServiceUnavailableException('The application is shutting down.');
  if (outcome.awaited) outcome.failed(error);
  // Nest runs a pipe, which may take any time, and cannot be signaled.
  else replyTo(request, { value: error.getResponse(), status: error.getStatus() }, outcome);
}
