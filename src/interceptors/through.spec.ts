import { jest } from '@jest/globals';
import { FAILING_CALLS } from '../../test/fixtures/failing-calls.js';
import { Logger } from '@nestjs/common';
import { Observable, Subject } from 'rxjs';
import type { SseEvent } from '../events/sse-event.js';
import { through } from './through.js';

describe('the operator of an interceptor', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each(FAILING_CALLS)(
    'is released after a teardown that throws, also if the logger %s',
    async (_how, log) => {
      const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(log as () => void);
      let stopped = 0;
      const values = new Subject<SseEvent>();
      const source = new Observable<SseEvent>((subscriber) => {
        subscriber.add(values.subscribe(subscriber));
        return () => {
          throw new Error('teardown');
        };
      });
      const subscription = source
        .pipe(
          through<SseEvent>((out) =>
            Object.assign(Object.create(out) as typeof out, { stop: () => stopped++ }),
          ),
        )
        .subscribe();
      subscription.unsubscribe();
      await new Promise((resolve) => setImmediate(resolve));
      expect(error).toHaveBeenCalledWith(expect.stringContaining('A teardown failed: Error: teardown'));
      expect([stopped, values.observed]).toEqual([1, false]);
    },
  );
});
