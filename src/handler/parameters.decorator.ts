import { createParamDecorator, type ExecutionContext, type PipeTransform, type Type } from '@nestjs/common';
import type { SseConnection as Connection } from '../connection/sse-connection.js';
import { SseError, moduleMissing } from '../errors/sse.errors.js';
import { replyOf } from '../request/reply.js';
import { routeOptionsOf } from '../nest/sse.metadata.js';

/** A parameter decorator for streams. It takes pipes, as Nest's own decorators do. */
export type StreamParameter = (...pipes: (Type<PipeTransform> | PipeTransform)[]) => ParameterDecorator;

/**
 * The ID of the last event that the client has received, from its `Last-Event-ID` header or, with `lastEventIdQuery`, from the
 * query. `undefined` on a first connect. It is client input: the library only checks that it has at most
 * `maxLastEventIdBytes` bytes and no control characters.
 *
 * @example
 * @Sse('news') news(@LastEventId() after?: string) { return this.channel.subscribe({ after }); }
 */
export const LastEventId: StreamParameter = createParamDecorator(
  (_data: undefined, context: ExecutionContext) => connectionOf(context).lastEventId,
);

/**
 * An `AbortSignal` that aborts when the stream is over, whether the client, the server or a limit has ended it. Its `reason` is
 * an `SseError` whose code names the cause. Pass it to everything that the handler waits for.
 */
export const SseSignal: StreamParameter = createParamDecorator(
  (_data: undefined, context: ExecutionContext): AbortSignal => connectionOf(context).signal,
);

/** The connection of this request. */
export type SseConnection<Request extends object = object> = Connection<Request>;
/** The connection of this request: its ID, its counters, and `close()`. */
export const SseConnection: StreamParameter = createParamDecorator(
  (_data: undefined, context: ExecutionContext): Connection => connectionOf(context),
);

function connectionOf(context: ExecutionContext): Connection {
  const name = `${context.getClass().name}.${context.getHandler().name}`;
  if (!routeOptionsOf(context.getHandler())) {
    throw new SseError('SSE_NOT_STREAMABLE', `${name} is not an @Sse() route of nestjs-event-stream.`, {
      remedy: 'Its parameter decorators work there only: is "Sse" imported from "@nestjs/common"?',
      context: { handler: name },
    });
  }
  const reply = replyOf(context.getArgByIndex<object>(1));
  if (!reply) throw moduleMissing(name);
  return reply.connection as Connection;
}
