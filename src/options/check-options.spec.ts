import { isSseError } from '../sse.errors.js';
import { resolveModuleOptions, resolveOptions } from './resolve-options.js';
import type { SseModuleOptions, SseOptions, SseRouteOptions } from './sse.options.js';

function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (isSseError(error, 'SSE_INVALID_OPTIONS')) return error.message;
    throw error;
  }
  return 'was not refused';
}
const refused = (options: SseRouteOptions): string =>
  refusal(() => resolveOptions('News.all', {}, {}, options));

const MAX_DELAY = 2_147_483_647;

describe('options that cannot be are refused', () => {
  const NUMBERS: unknown[] = [NaN, -1, Infinity, -Infinity, 2 ** 31, '100', null];

  describe.each<[name: string, of: (value: never) => SseOptions, min: number]>([
    ['openAfterMs', (openAfterMs) => ({ openAfterMs }), 0],
    ['heartbeat.intervalMs', (heartbeat) => ({ heartbeat: { intervalMs: heartbeat } }), 1],
    ['timeout.afterMs', (afterMs) => ({ timeout: { afterMs } }), 1],
    ['maxDurationMs', (maxDurationMs) => ({ maxDurationMs }), 1],
    ['revalidateMs', (revalidateMs) => ({ revalidateMs }), 1],
    ['stallMs', (stallMs) => ({ stallMs }), 1],
    ['teardownWarnMs', (teardownWarnMs) => ({ teardownWarnMs }), 1],
  ])('the time %s', (name, of, min) => {
    it.each(NUMBERS.filter((value) => value !== null))('as %p', (value) => {
      const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
      expect(refused(of(value as never))).toBe(
        `News.all: the option "${name}" cannot be ${text}. It is a number of milliseconds from ${min} to ${MAX_DELAY}.`,
      );
    });
    it('as 0, where that is no time', () => {
      if (min === 0) expect(refused(of(0 as never))).toBe('was not refused');
      else expect(refused(of(0 as never))).toContain(`"${name}" cannot be 0`);
    });
  });

  describe.each<[name: string, of: (value: never) => SseRouteOptions, min: number]>([
    ['overflow.maxBytes', (maxBytes) => ({ overflow: { maxBytes } }), 1],
    ['maxLastEventIdBytes', (maxLastEventIdBytes) => ({ maxLastEventIdBytes }), 1],
    ['limit.max', (max) => ({ limit: { key: 'route', max } }), 1],
    ['limit.retryMs', (retryMs) => ({ limit: { key: 'route', max: 1, retryMs } }), 0],
  ])('the size %s', (name, of, min) => {
    it.each([NaN, -1, -Infinity, 1.5, 2 ** 53, '100', name === 'overflow.maxBytes' ? false : Infinity])(
      'as %p',
      (value) => {
        const text = typeof value === 'string' ? JSON.stringify(value) : String(value);
        expect(refused(of(value as never))).toBe(
          `News.all: the option "${name}" cannot be ${text}. It is a whole number, ${min} or more.`,
        );
      },
    );
  });

  it.each<[string, SseOptions, RegExp]>([
    ['emits', { emits: 'lines' as never }, /"emits" cannot be "lines"\. It is 'events' or 'data'\.$/],
    ['overflow.policy', { overflow: { policy: 'drop' as never } }, /"overflow\.policy" cannot be "drop"/],
    [
      'overflow.policy without a function',
      { overflow: { policy: { coalesce: 'key' as never } } },
      /overflow\.policy/,
    ],
    ['overflow.policy as null', { overflow: { policy: null as never } }, /"overflow\.policy" cannot be null/],
    [
      'overflow.report.event',
      { overflow: { report: { event: 'a\nb' } } },
      /"overflow\.report\.event" cannot be "a\\nb"/,
    ],
    ['errors.event', { errors: { event: 'a\rb' } }, /"errors\.event" cannot be "a\\rb"/],
    ['complete.event', { complete: { event: 'a\nid: 1' } }, /"complete\.event" cannot be "a\\nid: 1"/],
    ['complete.id', { complete: { id: 'a\0' } }, /"complete\.id" cannot be/],
    ['heartbeat.event', { heartbeat: { event: '\n' } }, /"heartbeat\.event" cannot be "\\n"/],
    ['heartbeat.id', { heartbeat: { id: 'é' } }, /"heartbeat\.id" cannot be "é"/],
    ['timeout.event', { timeout: { afterMs: 1, event: '\r' } }, /"timeout\.event" cannot be "\\r"/],
    [
      'expiresAt',
      { expiresAt: new Date() as never },
      /"expiresAt" cannot be an instance of Date\. It is a function/,
    ],
    ['limit.key', { limit: { key: 'user' as never, max: 1 } }, /"limit\.key" cannot be "user"/],
    ['limit.status', { limit: { key: 'ip', max: 1, status: 200 } }, /"limit\.status" cannot be 200/],
    ['limit.status as a word', { limit: { key: 'ip', max: 1, status: 'no' as never } }, /cannot be "no"/],
    ['exclusive', { exclusive: 'everybody' as never }, /"limit\.key" cannot be "everybody"/],
  ])('%s', (_name, options, message) => {
    expect(refused(options)).toMatch(message);
  });

  it.each<[string, SseModuleOptions, string]>([
    ['shutdownMs', { shutdownMs: NaN }, 'SseModule: the option "shutdownMs" cannot be NaN.'],
    ['shutdownMs', { shutdownMs: Infinity }, 'SseModule: the option "shutdownMs" cannot be Infinity.'],
    ['shutdownRetryMs', { shutdownRetryMs: -5 }, 'SseModule: the option "shutdownRetryMs" cannot be -5.'],
  ])('%s of the module', (_name, options, message) => {
    expect(refusal(() => resolveModuleOptions(options))).toContain(message);
  });
});

describe('options that contradict each other are refused, with both values', () => {
  it.each<[string, SseOptions, string, string]>([
    ['a heartbeat longer than the stall limit', { heartbeat: 40_000, stallMs: 30_000 }, '40000', '30000'],
    ['a timeout after the end', { timeout: { afterMs: 60_000 }, maxDurationMs: 50_000 }, '60000', '50000'],
    ['a revalidation after the end', { revalidateMs: 70_000, maxDurationMs: 50_000 }, '70000', '50000'],
    [
      'more connections of a route than of the process',
      {
        limit: [
          { key: 'process', max: 100 },
          { key: 'route', max: 101 },
        ],
      },
      '100',
      '101',
    ],
  ])('%s', (_what, options, one, other) => {
    const message = refused(options);
    expect(message).toContain(one);
    expect(message).toContain(other);
  });

  it('also where they come from different levels', () => {
    const module: SseOptions = { limit: { key: 'process', max: 10 }, maxDurationMs: 1000 };
    expect(refusal(() => resolveOptions('A', module, { limit: { key: 'ip', max: 11 } }))).toContain('11');
    expect(refusal(() => resolveOptions('A', module, {}, { revalidateMs: 2000 }))).toContain('2000');
  });
});

describe('options that may be', () => {
  it.each<[string, SseRouteOptions]>([
    ['none at all', {}],
    ['times of 2^31 − 1', { maxDurationMs: MAX_DELAY, stallMs: MAX_DELAY }],
    [
      'everything off',
      {
        heartbeat: false,
        stallMs: false,
        teardownWarnMs: false,
        timeout: false,
        maxDurationMs: false,
        revalidateMs: false,
      },
    ],
    ['a queue without bounds', { overflow: { maxBytes: Infinity } }],
    ['no queue limit in the words of Nest', { maxPendingDataLength: 0 }],
    ['a heartbeat that is rarer than the default stall limit', { heartbeat: 60_000 }],
    [
      'as many connections of an address as of the process',
      {
        limit: [
          { key: 'process', max: 5 },
          { key: 'ip', max: 5 },
        ],
      },
    ],
    ['an undefined one, for the default', { stallMs: undefined as never }],
  ])('%s', (_what, options) => {
    expect(refused(options)).toBe('was not refused');
  });
});
