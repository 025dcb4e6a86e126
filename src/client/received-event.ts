/** One event as it arrived (WHATWG HTML, 9.2.6). */
export interface ReceivedEvent<Type extends string = string, Payload = unknown> {
  /** The name of the event; `message` if the server gave none. */
  readonly type: Type;
  /** The data as text, lines joined by LF. */
  readonly data: string;
  /** The id that came with this very event, if one did; an empty one resets the stream's. */
  readonly id: string | undefined;
  /** The last event ID of the stream as of this event: its own, or that of the last event that had one. */
  readonly lastEventId: string;
  /**
   * The data parsed as JSON, once. The type comes from the map given to `connect`, and nothing checks it.
   *
   * @throws {SyntaxError} if the data is not JSON.
   */
  json(): Payload;
}

/** The union of the events in a map from name to payload: comparing `type` tells what `json()` returns. */
export type ReceivedEvents<Map extends object> = {
  [Type in keyof Map & string]: ReceivedEvent<Type, Map[Type]>;
}[keyof Map & string];

/** An event of any name. */
export class JsonEvent implements ReceivedEvent {
  private parsed: { value: unknown } | undefined;

  constructor(
    readonly type: string,
    readonly data: string,
    readonly id: string | undefined,
    readonly lastEventId: string,
  ) {}

  json(): unknown {
    this.parsed ??= { value: JSON.parse(this.data) };
    return this.parsed.value;
  }
}
