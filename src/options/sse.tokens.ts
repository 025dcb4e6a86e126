/** The `ModuleSettings`: the options given to `SseModule.forRoot()` or made by `forRootAsync()`, checked and resolved. */
export const SSE_MODULE_OPTIONS = Symbol.for('nestjs-event-stream:module-options');

/** `SseConnections`, for a package in the other module format than the application, where the class is another one. */
export const SSE_CONNECTIONS = Symbol.for('nestjs-event-stream:connections');

/** `Channels`, likewise. */
export const SSE_CHANNELS = Symbol.for('nestjs-event-stream:channels');

/** `Runs`, likewise. */
export const SSE_RUNS = Symbol.for('nestjs-event-stream:runs');
