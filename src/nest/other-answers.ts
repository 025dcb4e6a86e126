import { SseError } from '../errors/sse.errors.js';

/** Metadata keys of decorators with which Nest sends a response. They have not changed since they were introduced. */
const RESPONSE_DECORATORS = { __redirect__: '@Redirect()', __renderTemplate__: '@Render()' };

/**
 * Checks that a route has no other decorator that sends a response. Nest would redirect or render after the head of the stream was
 * sent, fail, and end the response in the middle.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 */
export function checkNoOtherResponse(name: string, handler: object): void {
  for (const [key, decorator] of Object.entries(RESPONSE_DECORATORS)) {
    if (!Reflect.hasMetadata(key, handler)) continue;
    throw new SseError('SSE_INVALID_OPTIONS', `${name} has both @Sse() and ${decorator}.`, {
      remedy: `A route can send only one response. Remove ${decorator}, or move it to another route.`,
      context: { handler: name, decorator },
    });
  }
}
