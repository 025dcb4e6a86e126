import { inProduction } from '../environment.js';
import type { ErrorReports } from '../errors/error-reports.js';
import type { SseRoute } from '../nest/sse-routes.js';

/**
 * Warns once for each route, in development, that a handler returned nothing. An ordinary route may do that. In an `@Sse()`
 * route a `return` was probably forgotten, and the client receives an empty answer.
 */
export class EmptyAnswers {
  private readonly told = new WeakSet<SseRoute>();

  constructor(private readonly logger: Pick<ErrorReports, 'warn'>) {}

  /** Looks at the answer of a route before it is sent. `place` is its method and path. */
  note(route: SseRoute, place: string, response: object, answer: unknown): void {
    if (answer !== undefined && answer !== null) return;
    // With a status other than 200, the empty answer is intended.
    if ((response as { statusCode?: number }).statusCode !== 200) return;
    if (inProduction() || this.told.has(route)) return;
    this.told.add(route);
    this.logger.warn(
      `${route.name} (${place}) returned ${String(answer)}, so its answer is a 200 without a stream. ` +
        'Add the missing `return`, or add @HttpCode(204) if the empty answer is intended.',
    );
  }
}
