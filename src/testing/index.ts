export { openStream, type OpenStreamInit, type TestApplication } from './open-stream.js';
export { TestStream, type TestEvent } from './test-stream.js';
export { eventLogContract } from './event-log/event-log.contract.js';
export type { ContractRetention, ContractRunner, MakeLogs } from './event-log/contract-kit.js';
