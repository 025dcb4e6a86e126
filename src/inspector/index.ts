export { SseInspectorModule } from './inspector.module.js';
export type { SseInspectorOptions } from './inspector.options.js';
