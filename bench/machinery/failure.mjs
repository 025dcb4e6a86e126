/** A measurement that does not count, because something did not arrive as it was sent. */
export class Failure extends Error {}
