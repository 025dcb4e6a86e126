/** A measurement that does not count, because the received bytes differ from the sent ones. */
export class Failure extends Error {}
