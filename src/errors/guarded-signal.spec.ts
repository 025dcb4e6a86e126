import { addAbortListener } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { guardedController } from './guarded-signal.js';

const turn = () => new Promise(setImmediate);

// No assertion is needed for an exception that ends the process: Jest fails the test.
describe('a guarded signal', () => {
  let reported: unknown[];
  let controller: AbortController;
  let signal: AbortSignal;
  beforeEach(() => {
    reported = [];
    controller = guardedController((error) => reported.push(error));
    ({ signal } = controller);
  });

  it('reports what its listeners throw or reject with, and calls the others', async () => {
    const called: string[] = [];
    signal.addEventListener('abort', () => {
      called.push('throws');
      throw new Error('thrown');
    });
    signal.addEventListener('abort', async () => {
      called.push('rejects');
      await turn();
      throw new Error('rejected');
    });
    signal.addEventListener('abort', {
      handleEvent() {
        called.push('object');
        throw new Error('of an object');
      },
    });
    signal.addEventListener(
      'abort',
      Object.defineProperty({}, 'handleEvent', {
        get: () => {
          throw new Error('of a getter');
        },
      }) as EventListenerObject,
    );
    signal.onabort = () => {
      called.push('onabort');
      throw new Error('of onabort');
    };
    addAbortListener(signal, () => {
      called.push('addAbortListener');
      throw new Error('of addAbortListener');
    });
    signal.addEventListener('abort', () => called.push('last'));
    controller.abort('why');
    await turn();
    await turn();
    expect(called).toEqual(['throws', 'rejects', 'object', 'onabort', 'addAbortListener', 'last']);
    expect(reported.map((error) => (error as Error).message).sort()).toEqual([
      'of a getter',
      'of addAbortListener',
      'of an object',
      'of onabort',
      'rejected',
      'thrown',
    ]);
  });

  it('is otherwise a signal: identity, events, options and removal', () => {
    expect(signal).toBeInstanceOf(AbortSignal);
    expect(Object.prototype.toString.call(signal)).toBe('[object AbortSignal]');
    const seen: unknown[] = [];
    const listener = function (this: unknown, event: Event): void {
      seen.push([this === signal, event.type, event.target === signal]);
    };
    const object = { handleEvent: (event: Event) => void seen.push([event.type]) };
    signal.addEventListener('abort', listener);
    signal.addEventListener('abort', listener);
    signal.addEventListener('other', listener, { once: true });
    signal.addEventListener('abort', object);
    const removed = () => seen.push('removed');
    for (const options of [undefined, { capture: true }, { once: true }]) {
      signal.addEventListener('abort', removed, options);
      signal.removeEventListener('abort', removed, options);
    }
    signal.dispatchEvent(new Event('other'));
    signal.dispatchEvent(new Event('other'));
    controller.abort();
    expect(seen).toEqual([[true, 'other', true], [true, 'abort', true], ['abort']]);
    expect(reported).toEqual([]);
  });

  it('has one onabort, which can be read and removed', () => {
    const seen: number[] = [];
    expect(signal.onabort).toBeNull();
    const first = () => void seen.push(1);
    const second = () => void seen.push(2);
    signal.onabort = first;
    expect(signal.onabort).toBe(first);
    signal.onabort = second;
    controller.abort();
    signal.onabort = null;
    expect([seen, signal.onabort]).toEqual([[2], null]);
    signal.dispatchEvent(new Event('abort'));
    expect(seen).toEqual([2]);
  });

  it('aborts what it is passed to', async () => {
    const any = AbortSignal.any([signal, new AbortController().signal]);
    const waiting = [delay(60_000, undefined, { signal }), fetch('http://127.0.0.1:9', { signal })];
    const stream = new ReadableStream().pipeTo(new WritableStream(), { signal });
    const reason = new Error('over');
    controller.abort(reason);
    const settled = await Promise.allSettled([...waiting, stream]);
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect([any.aborted, any.reason, signal.reason]).toEqual([true, reason, reason]);
    expect(() => signal.throwIfAborted()).toThrow(reason);
  });

  it('rejects what cannot listen, as Node does', () => {
    // @ts-expect-error -- a number is no listener
    expect(() => signal.addEventListener('abort', 7)).toThrow('"listener" argument');
    // @ts-expect-error -- Node ignores it
    expect(() => signal.removeEventListener('abort', null)).not.toThrow();
  });
});
