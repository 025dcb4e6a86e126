import type { Awaitable } from '../log/event-log.js';

/** A log's answer, with what it throws as a rejection: several are waited for together, and none is left unhandled. */
export function ask<V>(call: () => Awaitable<V>): Awaitable<V> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
