export { defineEvents } from './event-contract.js';
export type {
  AnyContract,
  EventContract,
  EventCreator,
  EventFields,
  EventName,
  EventOf,
  EventSchemas,
  PayloadOf,
  ReceivedPayloadOf,
  Yields,
} from './event-contract.js';
export { classSchema, type ClassIssue, type ClassLibraries, type PlainOf } from './class-schema.js';
export { text, type, type TextSchema } from './payload-schemas.js';
export type { PayloadIssue } from './valid-payload.js';
export type { Mismatch, Problem } from './problem.js';
export type { SseEvent } from './sse-event.js';
export { SseError, isSseError } from '../errors/sse.errors.js';
