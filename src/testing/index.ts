export { openStream, type OpenStreamInit, type TestApplication } from './open-stream.js';
export { TestStream, type TestEvent } from './test-stream.js';
