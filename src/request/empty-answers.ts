import type { ErrorReports } from '../errors/error-reports.js';
import type { SseRoute } from '../nest/sse-routes.js';

/**
 * Says, once for each route and while developing, that a handler gave nothing: an ordinary route may well do that, but in
 * one that is to stream a `return` was probably forgotten, and its client sees an empty page.
 */
export class EmptyAnswers {
  private readonly told = new WeakSet<SseRoute>();

  constructor(private readonly logger: Pick<ErrorReports, 'warn'>) {}

  /** Takes note of the answer of a route, before it is sent. `place` is its method and path. */
  note(route: SseRoute, place: string, response: object, answer: unknown): void {
    if (answer !== undefined && answer !== null) return;
    // Another status than 200 says that an empty answer is meant.
    if ((response as { statusCode?: number }).statusCode !== 200) return;
    if (process.env['NODE_ENV'] === 'production' || this.told.has(route)) return;
    this.told.add(route);
    this.logger.warn(
      `${route.name} (${place}) returned ${String(answer)}, so its answer is a 200 without a stream. ` +
        'Was the `return` before the stream forgotten? If it is meant, say so with @HttpCode(204).',
    );
  }
}
