import { BadRequestException } from '@nestjs/common';
import type { CaseEvent } from './event-log.js';

const MAX_LENGTH = 200;

/** Reads the name from the optional body of `POST /project`. */
export function readName(body: unknown): string | undefined {
  if (body === undefined || body === null) return undefined;
  const name = fieldsOf(body)['name'];
  return name === undefined ? undefined : text('name', name);
}

/** Reads the event from the body of `POST /project/:id/event`, and whether it is the last of its case. */
export function readCaseEvent(body: unknown): { event: CaseEvent; caseCompleted: boolean } {
  const { case_id, activity, timestamp, resource, case_completed = false } = fieldsOf(body);
  if (typeof case_completed !== 'boolean') {
    throw new BadRequestException('"case_completed" must be true or false.');
  }
  const event = {
    case_id: text('case_id', case_id),
    activity: text('activity', activity),
    timestamp: text('timestamp', timestamp ?? new Date().toISOString()),
    ...(resource === undefined ? {} : { resource: text('resource', resource) }),
  };
  return { event, caseCompleted: case_completed };
}

function fieldsOf(body: unknown): Record<string, unknown> {
  if (typeof body === 'object' && body !== null && !Array.isArray(body))
    return body as Record<string, unknown>;
  throw new BadRequestException('The body must be a JSON object.');
}

function text(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '' && value.length <= MAX_LENGTH) return value;
  throw new BadRequestException(`"${field}" must be a string of 1 to ${MAX_LENGTH} characters.`);
}
