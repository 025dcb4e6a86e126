/**
 * The last event ID of a stream that has ended. The last block of a finished stream has it. A client that reconnects with it in
 * `Last-Event-ID` gets a 204, which stops every `EventSource` (WHATWG HTML, 9.2.3). The leading tilde distinguishes it from
 * numbers, UUIDs and the cursors of channels.
 */
export const END_OF_STREAM_ID = '~end';

/**
 * The type of a block that only carries {@link END_OF_STREAM_ID}. Because of the type, pages do not receive it as a `message`.
 * The block has empty data, because some clients, such as npm's `eventsource`, ignore the id of a block without data.
 */
export const END_OF_STREAM_TYPE = '~end';

/**
 * The type of an event that only sets the last event ID of a client, before the first event of a stream. It has empty data for
 * the same reason as {@link END_OF_STREAM_TYPE}.
 */
export const PLACE_TYPE = '~place';
