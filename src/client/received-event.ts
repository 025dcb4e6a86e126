import type { ErrorBody } from '../errors/public-error.js';
import type { AnyContract, EventName, ReceivedPayloadOf } from '../events/event-contract.js';
import type { Gap, Stopped } from '../events/library-events.js';

/** One event as it arrived (WHATWG HTML, 9.2.6). */
export interface ReceivedEvent<Type extends string = string, Payload = unknown> {
  /** The name of the event; `message` if the server named none. */
  readonly type: Type;
  /** The data as text, lines joined by LF. */
  readonly data: string;
  /** The id of this event itself, if it has one. An empty one resets the last event ID of the stream. */
  readonly id: string | undefined;
  /** The last event ID of the stream at this event: its own, or that of the last event that had one. */
  readonly lastEventId: string;
  /**
   * Returns the data parsed as JSON, once. The type comes from the map given to `connect`, and nothing checks it.
   *
   * @throws {SyntaxError} if the data is not JSON.
   */
  json(): Payload;
}

/** The union of the events in a map from name to payload: comparing `type` tells what `json()` returns. */
export type ReceivedEvents<Map extends object> = {
  [Type in keyof Map & string]: ReceivedEvent<Type, Map[Type]>;
}[keyof Map & string];

/** One event of a contract, as a client receives it. */
export interface TypedEvent<Type extends string, Data> extends Pick<ReceivedEvent, 'id' | 'lastEventId'> {
  /** The name of the event; `message` if the server named none. */
  readonly type: Type;
  /** The output of the schema. */
  readonly data: Data;
}

/** The data of the events that the library sends, under their default names. A contract may define an event of the same name. */
interface LibraryPayloads {
  gap: Gap;
  stopped: Stopped;
  error: ErrorBody;
}

/**
 * An event of a contract as a client receives it: that of one name, or the union of all, which `type` tells apart. The events
 * of the library (`gap`, `stopped`, `error`) are part of it.
 *
 * @example
 * function render(event: ReceivedEventOf<typeof importEvents>) { if (event.type === 'progress') bar.value = event.data.percent; }
 */
export type ReceivedEventOf<
  Contract extends AnyContract,
  Name extends EventName<Contract> | keyof LibraryPayloads = EventName<Contract> | keyof LibraryPayloads,
> = {
  [N in Name]: TypedEvent<
    N,
    N extends EventName<Contract>
      ? ReceivedPayloadOf<Contract, N>
      : N extends keyof LibraryPayloads
        ? LibraryPayloads[N]
        : never
  >;
}[Name];

/**
 * A name that the contract does not have. It is a string. It exists as an enum only for the compiler, which would not tell events
 * apart by `type` if one of the types were `string`.
 */
declare enum UnknownName {
  mark = '~unknown',
}
export type { UnknownName };

/** An event that the contract does not have, as `unknownEvents: 'deliver'` hands it out. */
export type UnknownEvent = ReceivedEvent<UnknownName>;

/** An event whose data is text. */
export class TextEvent implements ReceivedEvent {
  private parsed: { value: unknown } | undefined;

  constructor(
    readonly type: string,
    readonly data: string,
    readonly id: string | undefined,
    readonly lastEventId: string,
  ) {}

  json(): unknown {
    return (this.parsed ??= { value: JSON.parse(this.data) }).value;
  }
}
