export { checkEvents, type CheckEventsInit } from './check-events.js';
export { SSE_CLOCK, type Clock } from '../time/clock.js';
export { openStream, type OpenStreamInit } from './open-stream.js';
export type { TestApplication } from './test-application.js';
export { TestClock } from './test-clock.js';
export { TestStream, type TestEvent, type TestStreamEnd } from './test-stream.js';
export { eventLogContract } from './event-log/event-log.contract.js';
export type { ContractRetention, ContractRunner, MakeLogs } from './event-log/contract-kit.js';
