/**
 * The last event ID that says "this stream has ended, stay away". It goes out on the last block of a finished
 * stream; a reconnect that brings it in `Last-Event-ID` is answered with 204, on which every `EventSource` stops
 * (WHATWG HTML, 9.2.3). A leading tilde keeps it apart from numbers, UUIDs and the cursors of channels.
 */
export const END_OF_STREAM_ID = '~end';
