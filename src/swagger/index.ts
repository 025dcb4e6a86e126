export { createStreamDocument, type StreamDocumentOptions } from './stream-document.js';
export { ApiEvent, type ApiEventOptions } from './api-event.decorator.js';
export type { JsonSchema, OpenApiVersion } from './json-schema.js';
