import type { Awaitable } from '../log/event-log.js';

/** Calls a method of a log. An error that it throws becomes a rejection, so that `Promise.all()` can handle several calls. */
export function ask<V>(call: () => Awaitable<V>): Awaitable<V> {
  try {
    return call();
  } catch (error) {
    return Promise.reject(error);
  }
}
