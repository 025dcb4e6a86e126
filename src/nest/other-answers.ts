import { SseError } from '../errors/sse.errors.js';

/** Keys under which Nest keeps what its decorators say; they have not changed since they came. */
const ANSWERS_OF_THEIR_OWN = { __redirect__: '@Redirect()', __renderTemplate__: '@Render()' };

/**
 * Makes sure that nothing else answers for a route: Nest would redirect or render once the head of the stream is out, fail,
 * and end the response in the middle.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function checkNothingElseAnswers(name: string, handler: object): void {
  for (const [key, decorator] of Object.entries(ANSWERS_OF_THEIR_OWN)) {
    if (!Reflect.hasMetadata(key, handler)) continue;
    throw new SseError('SSE_INVALID_OPTIONS', `${name} has both @Sse() and ${decorator}.`, {
      remedy: `A stream is the answer. Take ${decorator} off, or give it a route of its own.`,
      context: { handler: name, decorator },
    });
  }
}
