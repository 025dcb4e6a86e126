import { guard } from './guard.js';

const REPORT = Symbol('report');
const ON_ABORT = Symbol('onabort');

interface GuardedSignal extends AbortSignal {
  [REPORT]: (error: unknown) => void;
  [ON_ABORT]?: unknown;
}

type ListenerObject = Partial<EventListenerObject> & object;

/** The functions that are registered in place of the listeners of the application. */
const guardedListeners = new WeakMap<object, (this: GuardedSignal, event: Event) => void>();

/**
 * Makes a controller whose signal is given to the application. Node ends the process when a listener of a signal throws, or returns
 * a promise that rejects. With this signal the error goes to `report`, and the other listeners are called. The signals that
 * `AbortSignal.any()` makes of it behave as in Node.
 */
export function guardedController(report: (error: unknown) => void): AbortController {
  const controller = new AbortController();
  // There is no way to construct a signal of another class.
  const signal = Object.setPrototypeOf(controller.signal, GUARDED) as GuardedSignal;
  signal[REPORT] = report;
  return controller;
}

const { prototype } = AbortSignal;

const GUARDED = Object.create(prototype, {
  addEventListener: {
    value(this: GuardedSignal, type: string, listener: unknown, options?: AddEventListenerOptions): void {
      prototype.addEventListener.call(this, type, guarded(listener), options);
    },
  },
  removeEventListener: {
    value(this: GuardedSignal, type: string, listener: unknown, options?: EventListenerOptions): void {
      prototype.removeEventListener.call(this, type, guarded(listener), options);
    },
  },
  onabort: {
    get(this: GuardedSignal): unknown {
      return this[ON_ABORT] ?? null;
    },
    set(this: GuardedSignal, listener: unknown): void {
      this[ON_ABORT] = typeof listener === 'function' ? listener : null;
      Reflect.set(prototype, 'onabort', guarded(listener), this);
    },
  },
}) as object;

/** The guarded form of a listener, which is the same each time. Anything else is returned as it is, for Node to reject. */
function guarded(listener: unknown): EventListener {
  if ((typeof listener !== 'object' || listener === null) && typeof listener !== 'function') {
    return listener as EventListener;
  }
  let made = guardedListeners.get(listener);
  if (!made) {
    made = function (event) {
      guard(() => callListener(listener, this, event), this[REPORT]);
    };
    guardedListeners.set(listener, made);
  }
  return made;
}

function callListener(listener: ListenerObject, signal: AbortSignal, event: Event): unknown {
  if (typeof listener === 'function') return (listener as EventListener).call(signal, event);
  return listener.handleEvent?.(event);
}
