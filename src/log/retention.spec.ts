import { memoryLog } from './memory-log.js';
import { resolveRetention } from './retention.js';
import { toRecord } from './log-record.js';

const asynchronous = async (): Promise<never> => {
  throw new Error('no answer');
};
const isRefused: unknown = expect.objectContaining({
  code: 'SSE_INVALID_OPTIONS',
  message: expect.stringContaining('The function of the option "retention" returned a promise.') as string,
});

describe('the option "retention"', () => {
  // An unhandled rejection fails the test.
  it('rejects a function that returns a promise, whose rejection does not end the process', () => {
    const { bounds } = resolveRetention('log()', 'a test', { retention: asynchronous as never });
    expect(() => bounds('a')).toThrow(isRefused as Error);
    const log = memoryLog({ retention: asynchronous as never });
    expect(() => log.append('a', [toRecord('x', undefined)])).toThrow(isRefused as Error);
  });

  it('is replaced by the limits of the log where no publisher can get its error', () => {
    const retention = (channel: string): { maxEvents: number } => {
      if (channel === 'a') return { maxEvents: 5 };
      throw new Error('no such channel');
    };
    const { bounds, boundsOrUsual } = resolveRetention('log()', 'a test', { retention, maxEvents: 7 });
    expect(() => bounds('b')).toThrow('no such channel');
    expect([boundsOrUsual('a').maxEvents, boundsOrUsual('b').maxEvents]).toEqual([5, 7]);
  });
});
