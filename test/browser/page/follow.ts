// The code that runs in the page of a test: it follows streams and keeps what arrives.
import { connect } from '../../../src/client/index.js';

/** The reader of a stream: the browser's own `EventSource`, or `connect()` of the library over the browser's `fetch`. */
export type Reader = 'EventSource' | 'connect';

/** A stream that a page follows. */
export interface Followed {
  events: { type: string; data: string; id: string }[];
  /** The number of responses that were streams. */
  opens: number;
  /** True once the reader has stopped and will not reconnect. */
  closed: boolean;
  /** The error that stopped `connect()`. */
  error?: string;
}

/** Options of `follow()`. */
export interface FollowOptions {
  /** The names of events for `EventSource`, besides `message`. */
  types?: readonly string[];
  withCredentials?: boolean;
  /** An option of `connect()`. */
  inactivityMs?: number;
}

const followed: Record<string, Followed> = {};

function follow(name: string, reader: Reader, url: string, options: FollowOptions = {}): void {
  const { types = [], withCredentials = false, inactivityMs = false } = options;
  const it: Followed = (followed[name] = { events: [], opens: 0, closed: false });
  if (reader === 'EventSource') {
    const source = new EventSource(url, { withCredentials });
    for (const type of ['message', ...types]) {
      source.addEventListener(type, ({ data, lastEventId }) =>
        it.events.push({ type, data: data as string, id: lastEventId }),
      );
    }
    source.addEventListener('open', () => (it.opens += 1));
    source.addEventListener('error', () => (it.closed = source.readyState === EventSource.CLOSED));
    return;
  }
  const stream = connect(url, {
    credentials: withCredentials ? 'include' : 'same-origin',
    inactivityMs,
    onState: (state) => {
      if (state === 'open') it.opens += 1;
    },
  });
  void (async () => {
    try {
      for await (const { type, data, lastEventId } of stream) it.events.push({ type, data, id: lastEventId });
    } catch (error) {
      it.error = String(error);
    }
    it.closed = true;
  })();
}

Object.assign(globalThis, { follow, followed });
