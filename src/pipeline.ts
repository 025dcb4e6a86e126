import type { ExecutionContext } from '@nestjs/common';
import type { StreamConnection } from './connection/connection.js';
import { event, type SseEvent } from './events/sse-event.js';
import { immediate } from './errors/guard.js';
import type { Sink } from './events/sink.js';
import { toEvent } from './events/to-event.js';
import { CompleteStage } from './stages/complete.stage.js';
import { ErrorEventStage } from './stages/error-event.stage.js';
import { FormatStage, sequence, type IdMaker } from './stages/format.stage.js';
import type { HeartbeatOwner } from './stages/heartbeat.js';
import { spread, type Timekeeper } from './time/timekeeper.js';
import { valueFor, type ResolvedOptions } from './options/sse.options.js';
import { END_OF_STREAM_ID, END_OF_STREAM_TYPE } from './wire/end-of-stream.js';

/** What the pipeline of one request works with. */
export interface PipelineSettings {
  options: ResolvedOptions;
  context: ExecutionContext;
  connection: StreamConnection;
  /** Whether the client comes back by itself, and is to be told when there is nothing more to come back for. */
  comesBack: boolean;
  report(error: unknown): void;
  /** Told of an error that goes unmentioned, because the stream was told to end. */
  unheard(error: unknown): void;
}

/** The stages of one stream: values go in at `values`, bytes come out of the connection. */
export interface Pipeline {
  values: Sink<unknown>;
  /** How a client is told of an error, if it is. */
  eventOf(error: unknown): SseEvent | undefined;
}

/** A block that only says "stay away". */
export const FAREWELL = event({ type: END_OF_STREAM_TYPE, id: END_OF_STREAM_ID, data: '' });

/**
 * Composes the stages in the order of the data. Each is a `Sink` that hands on to the next: with interceptors of the
 * application in front they are fed by rxjs, without by the source itself, one call a stage and event.
 */
export function pipeline(settings: PipelineSettings): Pipeline {
  const { options, context, connection, comesBack, report, unheard } = settings;
  const farewell = farewellFor(options, comesBack);

  const opened = (): boolean => connection.used;
  const silent = (): boolean => connection.leaving;
  const ending = (): void => {
    connection.ending = true;
  };
  const lastEvents = (): SseEvent[] => {
    ending();
    return silent() ? [] : completion(options, farewell);
  };

  const { emits, serialize } = options;
  const errors = new ErrorEventStage(
    { options: options.errors, context, serialize, opened, silent, ending, report, unheard, farewell },
    connection,
  );
  const complete = new CompleteStage(lastEvents, errors);
  const values = new FormatStage({ emits, serialize, makeId: idMaker(settings) }, complete);

  return {
    values,
    eventOf: (error) => errors.eventOf(error),
  };
}

function completion({ complete, emits, serialize }: ResolvedOptions, farewell?: SseEvent): SseEvent[] {
  if (complete === undefined || complete === 'reconnect') return farewell ? [farewell] : [];
  const { event: type, id = farewell?.id, data = '' } = complete;
  const last = toEvent(event({ type, id, data }), emits, serialize);
  const events = last ? [last] : [];
  if (complete.id !== undefined && farewell) events.push(farewell);
  return events;
}

function idMaker({ options, context, connection }: PipelineSettings): IdMaker | undefined {
  const { ids } = options;
  if (ids === false) return undefined;
  return ids === 'sequence'
    ? sequence(connection.lastEventId)
    : (value) => immediate(ids(value, context), 'ids');
}

function farewellFor({ complete }: ResolvedOptions, comesBack: boolean): SseEvent | undefined {
  return comesBack && complete !== 'reconnect' ? FAREWELL : undefined;
}

/** Whose time is watched. */
export interface TimedStream extends HeartbeatOwner {
  readonly connection: StreamConnection;
  readonly comesBack: boolean;
}

/** Has a stream end when it has taken too long (`timeout`), and its connection made anew (`maxDurationMs`). */
export function watchTime(options: ResolvedOptions, stream: TimedStream, timekeeper: Timekeeper): void {
  const { timeout, maxDurationMs, emits, serialize } = options;
  const { connection, context, comesBack } = stream;
  if (timeout) {
    const { afterMs, event: type, data = TIMED_OUT } = timeout;
    timekeeper.after(immediate(valueFor(afterMs, context), 'timeout.afterMs'), () => {
      const id = farewellFor(options, comesBack)?.id;
      const last = event({ type, id, data: valueFor<unknown>(data, context) });
      connection.endWith(toEvent(last, emits, serialize), 'SSE_EXPIRED');
    });
  }
  if (maxDurationMs) timekeeper.after(spread(maxDurationMs), () => connection.end('SSE_EXPIRED'));
}

const TIMED_OUT = { type: 'timeout', message: 'The time of this stream is up.' };
