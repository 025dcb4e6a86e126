import type { HealthWords } from '../../errors/health-report.js';

/** The log lines for an event log whose server is unavailable. */
export const EVENT_LOG_WORDS: HealthWords = {
  down: 'The event log is down',
  meanwhile: 'Open streams wait, new ones get a 503, and publish() fails after "waitMs".',
  up: 'The event log is up again',
};
