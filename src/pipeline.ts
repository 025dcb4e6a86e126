import type { StreamConnection } from './connection/connection.js';
import { EndingStage, type EndingSettings } from './stages/ending.stage.js';
import { FormatStage, idMaker } from './stages/format.stage.js';
import type { ResolvedOptions } from './options/resolve-options.js';

/** The stream that a pipeline is made for. */
export interface PipelineSettings extends EndingSettings {
  options: ResolvedOptions;
  connection: StreamConnection;
}

/** The stages of one stream. */
export interface Pipeline {
  /** Takes the values of the source. */
  values: FormatStage;
  /** Takes the events, and writes the last ones. */
  ending: EndingStage;
}

/**
 * Composes the stages in the order of the data: value → format → ending → connection. Each is a `Sink` that calls the next
 * one. With interceptors of the application rxjs calls the first stage, otherwise the source does, with one call for each
 * stage and event.
 */
export function pipeline(settings: PipelineSettings): Pipeline {
  const { options, context, connection } = settings;
  const { emits, serialize, ids, contract } = options;
  const ending = new EndingStage(settings, connection);
  const makeId = idMaker(ids, context, connection.lastEventId);
  return { values: new FormatStage({ emits, serialize, makeId, contract }, ending), ending };
}
