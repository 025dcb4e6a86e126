/**
 * The last event ID that says "this stream has ended, stay away". It goes out on the last block of a finished
 * stream; a reconnect that brings it in `Last-Event-ID` is answered with 204, on which every `EventSource` stops
 * (WHATWG HTML, 9.2.3). A leading tilde keeps it apart from numbers, UUIDs and the cursors of channels.
 */
export const END_OF_STREAM_ID = '~end';

/**
 * The type of a block that says nothing but that. It has a type for pages not to see it, and (empty) data, as clients
 * that are not browsers, npm's `eventsource` among them, take the id of a block only where it has data.
 */
export const END_OF_STREAM_TYPE = '~end';

/**
 * The type of an event that only tells a client its place in a stream, before there is anything to say: npm's
 * `eventsource` reads an id only where there is data, and nobody listens for a type with a tilde.
 */
export const PLACE_TYPE = '~place';
