import { memoryLog } from '../log/memory-log.js';
import { isSseError } from '../errors/sse.errors.js';
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

describe('invalid options are rejected', () => {
  const NUMBERS: unknown[] = [NaN, -1, Infinity, -Infinity, 2 ** 31, '100', null, true, {}];
  const text = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'object' ? JSON.stringify(value) : String(value);

  describe.each<[name: string, of: (value: never) => SseOptions, min: number]>([
    ['openAfterMs', (openAfterMs) => ({ openAfterMs }), 0],
    ['heartbeat.intervalMs', (heartbeat) => ({ heartbeat: { intervalMs: heartbeat } }), 1],
    ['timeout.afterMs', (afterMs) => ({ timeout: { afterMs } }), 1],
    ['maxDurationMs', (maxDurationMs) => ({ maxDurationMs }), 1],
    ['revalidateMs', (revalidateMs) => ({ revalidateMs }), 1],
    ['stallMs', (stallMs) => ({ stallMs }), 1],
    ['teardownWarnMs', (teardownWarnMs) => ({ teardownWarnMs }), 1],
  ])('the time %s', (name, of, min) => {
    it.each(NUMBERS)('as %p', (value) => {
      const message = refused(of(value as never));
      expect(message.startsWith(`News.all: Invalid option "${name}": ${text(value)}. Use `)).toBe(true);
      expect(message).toContain(
        min > 0 ? 'Use a positive number of milliseconds' : 'Use a number of milliseconds, 0 or more',
      );
      if (value === 2 ** 31) expect(message).toContain(`The maximum is ${MAX_DELAY}, about 24 days.`);
    });
    it('as 0, if that is not a valid time', () => {
      if (min === 0) expect(refused(of(0 as never))).toBe('was not refused');
      else expect(refused(of(0 as never))).toContain(`"${name}": 0`);
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
        const message = refused(of(value as never));
        expect(message.startsWith(`News.all: Invalid option "${name}": ${text(value)}. Use `)).toBe(true);
        expect(message).toContain(min > 0 ? 'Use a positive whole number' : 'Use a whole number, 0 or more');
      },
    );
  });

  it.each<[string, SseOptions, RegExp]>([
    ['emits', { emits: 'lines' as never }, /"emits": "lines"\. Use 'events' or 'data'\.$/],
    ['overflow.policy', { overflow: { policy: 'drop' as never } }, /"overflow\.policy": "drop"/],
    [
      'overflow.policy without a function',
      { overflow: { policy: { coalesce: 'key' as never } } },
      /overflow\.policy/,
    ],
    ['overflow.policy as null', { overflow: { policy: null as never } }, /"overflow\.policy": null/],
    [
      'overflow.report.event',
      { overflow: { report: { event: 'a\nb' } } },
      /"overflow\.report\.event": "a\\nb"/,
    ],
    ['errors.event', { errors: { event: 'a\rb' } }, /"errors\.event": "a\\rb"/],
    ['complete.event', { complete: { event: 'a\nid: 1' } }, /"complete\.event": "a\\nid: 1"/],
    ['complete.id', { complete: { id: 'a\0' } }, /"complete\.id":/],
    ['heartbeat.event', { heartbeat: { event: '\n' } }, /"heartbeat\.event": "\\n"/],
    ['heartbeat.id', { heartbeat: { id: 'é' } }, /"heartbeat\.id": "é"/],
    ['timeout.event', { timeout: { afterMs: 1, event: '\r' } }, /"timeout\.event": "\\r"/],
    ['expiresAt', { expiresAt: new Date() as never }, /"expiresAt": an instance of Date\. Use a function/],
    ['limit.key', { limit: { key: 'user' as never, max: 1 } }, /"limit\.key": "user"/],
    ['limit.status', { limit: { key: 'ip', max: 1, status: 200 } }, /"limit\.status": 200/],
    [
      'limit.status as a word',
      { limit: { key: 'ip', max: 1, status: 'no' as never } },
      /limit\.status": "no"/,
    ],
    ['exclusive', { exclusive: 'everybody' as never }, /"exclusive": "everybody"/],
  ])('%s', (_name, options, message) => {
    expect(refused(options)).toMatch(message);
  });

  it.each<[string, SseModuleOptions, string]>([
    ['shutdownMs', { shutdownMs: NaN }, 'SseModule: Invalid option "shutdownMs": NaN.'],
    ['shutdownMs', { shutdownMs: Infinity }, 'SseModule: Invalid option "shutdownMs": Infinity.'],
    ['shutdownRetryMs', { shutdownRetryMs: -5 }, 'SseModule: Invalid option "shutdownRetryMs": -5.'],
  ])('%s of the module', (_name, options, message) => {
    expect(refusal(() => resolveModuleOptions(options))).toContain(message);
  });
});

describe('an unknown option is rejected, with the name that was probably meant', () => {
  it.each<[string, object, string]>([
    ['in other case', { heartBeat: 5 }, 'Unknown option "heartBeat": 5. Did you mean "heartbeat"?'],
    ['a letter short', { hartbeat: 5 }, 'Unknown option "hartbeat": 5. Did you mean "heartbeat"?'],
    ['without its unit', { stall: 5 }, 'Unknown option "stall": 5. Did you mean "stallMs"?'],
    [
      'with a unit too many',
      { heartbeatMs: 5 },
      'Unknown option "heartbeatMs": 5. Did you mean "heartbeat"?',
    ],
    [
      'a level too high',
      { intervalMs: 5 },
      'Unknown option "intervalMs": 5. Did you mean "heartbeat.intervalMs"?',
    ],
    [
      'of a heartbeat',
      { heartbeat: { interval: 5 } },
      'Unknown option "heartbeat.interval": 5. Did you mean "heartbeat.intervalMs"?',
    ],
    [
      'of complete',
      { complete: { name: 'end' } },
      'Unknown option "complete.name": "end". Remove it, or use one of "event", "data", "id".',
    ],
    ['of errors', { errors: { mapp: 5 } }, 'Did you mean "errors.map"?'],
    ['of overflow', { overflow: { max: 5 } }, 'Did you mean "overflow.maxBytes"?'],
    ['of a policy', { overflow: { policy: { coalesc: 5 } } }, 'Did you mean "overflow.policy.coalesce"?'],
    ['of a report', { overflow: { report: { events: 'x' } } }, 'Did you mean "overflow.report.event"?'],
    ['of a limit', { limit: { key: 'ip', maximum: 1 } }, 'Unknown option "limit.maximum": 1.'],
    [
      'of one of several limits',
      {
        limit: [
          { key: 'ip', max: 1 },
          { key: 'ip', mx: 1 },
        ],
      },
      'Unknown option "limit[1].mx": 1. Did you mean "limit[1].max"?',
    ],
    ['of exclusive', { exclusive: { key: 'ip', max: 1 } }, 'Unknown option "exclusive.max": 1.'],
    ['of timeout', { timeout: { after: 5 } }, 'Did you mean "timeout.afterMs"?'],
    [
      'like nothing',
      { color: 'red' },
      'Unknown option "color": "red". Remove it, or use one of "emits", "serialize", "ids",',
    ],
    ['of every object', { toString: 5 }, 'Unknown option "toString": 5.'],
    ['with nothing in it', { hartbeat: undefined }, 'Unknown option "hartbeat": undefined.'],
  ])('%s', (_how, options, message) => {
    const said = refused(options as SseOptions);
    expect(said.startsWith('News.all: Unknown option ')).toBe(true);
    expect(said).toContain(message);
  });

  it('and one of another level with where it belongs', () => {
    const log = { append: () => 1 };
    expect(refused({ log } as object)).toContain('Move it to SseModule.forRoot().');
    expect(refusal(() => resolveModuleOptions({ method: 1 } as object))).toContain('Move it to @Sse().');
    expect(refusal(() => resolveOptions('News.all', {}, { shutdownMs: 5 } as object))).toBe(
      '@SseDefaults() of News: Invalid option "shutdownMs": 5. Move it to SseModule.forRoot().',
    );
    expect(refusal(() => resolveModuleOptions({ color: 1 } as object))).toContain('"shutdownRetryMs"');
    expect(refused({ color: 1 } as object)).not.toContain('shutdownRetryMs');
  });
});

describe('a value of the wrong kind is rejected, with a valid alternative', () => {
  it.each<[object, string]>([
    [{ ids: 'seq' }, `"ids": "seq". Use false for none, 'sequence' or a function of the value`],
    [{ ids: true }, `"ids": true. Use false for none, 'sequence' or`],
    [{ complete: true }, `"complete": true. Use 'reconnect' or { event, data, id }. Write { event: 'end' }.`],
    [{ complete: 'FINISHED' }, `Write { event: 'FINISHED' }.`],
    [{ complete: false }, 'Leave it out for no last event.'],
    [
      { serialize: 'json' },
      '"serialize": "json". Use a function that makes text of a value, such as JSON.stringify.',
    ],
    [{ overflow: 5 }, '"overflow": 5. Use { maxBytes, policy, report }. Write { maxBytes: 5 }.'],
    [{ overflow: 'drop-oldest' }, `Write { policy: 'drop-oldest' }.`],
    [{ overflow: { report: true } }, '"overflow.report": true. Use false for none or { event }.'],
    [
      { heartbeat: 0 },
      '"heartbeat": 0. Use a positive number of milliseconds, false for none or { intervalMs, event, data, id, always }. Write false to switch it off.',
    ],
    [{ heartbeat: null }, '"heartbeat": null.'],
    [{ heartbeat: true }, 'Leave it out for the default.'],
    [{ heartbeat: '15000' }, 'This is a string. Convert it with Number(…).'],
    [{ heartbeat: [5] }, '"heartbeat": an instance of Array. Use'],
    [{ heartbeat: { always: 'yes' } }, '"heartbeat.always": "yes". Use true or false.'],
    [
      { timeout: 5000 },
      '"timeout": 5000. Use { afterMs, event, data } or false for none. Write { afterMs: 5000 }.',
    ],
    [{ timeout: {} }, 'Missing option "timeout.afterMs". Use a positive number of milliseconds'],
    [
      { exclusive: true },
      `"exclusive": true. Use 'route', 'ip', 'process', a function of the request or { key, status, retryMs }. Write 'route' for one stream`,
    ],
    [{ exclusive: { status: 'retry' } }, 'Missing option "exclusive.key".'],
    [
      { limit: 5 },
      `"limit": 5. Use { key, max, status, retryMs } or a list of these. Write { key: 'route', max: 5 }.`,
    ],
    [{ limit: [5] }, '"limit[0]": 5.'],
    [{ limit: { key: 'ip' } }, 'Missing option "limit.max". Use a positive whole number.'],
    [{ errors: 'failure' }, `"errors": "failure". Use { event, map }. Write { event: 'failure' }.`],
    [{ errors: { map: 'text' } }, '"errors.map": "text". Use a function'],
    [{ lastEventIdQuery: 'lastEventId' }, '"lastEventIdQuery": "lastEventId". Use true or false.'],
    [{ method: 'POST' }, '"method": "POST". Use a method of Nest, such as RequestMethod.POST.'],
    [{ maxPendingDataLength: '5' }, '"maxPendingDataLength": "5". Use a whole number of bytes'],
    [{ maxPendingDataLength: NaN }, '"maxPendingDataLength": NaN. Use a whole number of bytes'],
    [{ maxPendingDataLength: -1 }, '"maxPendingDataLength": -1.'],
    [{ maxPendingDataLength: 1.5 }, '"maxPendingDataLength": 1.5.'],
    [{ maxDurationMs: null }, '"maxDurationMs": null.'],
    [{ stallMs: 0 }, 'Write false to switch it off.'],
  ])('%j', (options, message) => {
    expect(refused(options)).toContain(message);
  });

  it.each<[object, string]>([
    [
      { log: {} },
      'SseModule: Invalid option "log": {}. Use an event log: memoryLog(), redisLog() or an EventLog of your own.',
    ],
    [
      { log: memoryLog },
      'SseModule: Invalid option "log": function memoryLog. Use an event log: memoryLog(), redisLog() or an EventLog of your own. Call it, and pass the result.',
    ],
    [
      { slots: {} },
      'SseModule: Invalid option "slots": {}. Use a store of slots: redisSlots() or a SlotStore of your own.',
    ],
    [{ runs: 5 }, 'SseModule: Invalid option "runs": 5.'],
    ...[0, -1, NaN, Infinity, 0.5, '5', false].map((leaseMs): [object, string] => [
      { runs: { leaseMs } },
      'Use a positive number of milliseconds.',
    ]),
    [{ runs: { orphanMs: NaN } }, 'SseModule: Invalid option "runs.orphanMs": NaN.'],
    [{ runs: { stopped: 'a\nb' } }, 'SseModule: Invalid option "runs.stopped": "a\\nb".'],
    [{ runs: { orphan: 5 } }, 'SseModule: Unknown option "runs.orphan": 5. Did you mean "runs.orphanMs"?'],
    [{ runs: { emits: 'text' } }, `SseModule: Invalid option "runs.emits": "text". Use 'events' or 'data'.`],
  ])('of the module: %j', (options, message) => {
    expect(refusal(() => resolveModuleOptions(options))).toContain(message);
  });

  it.each([null, 5, 'ids', [], () => ({})])('instead of all options: %p', (given) => {
    expect(refusal(() => resolveModuleOptions(given as never))).toMatch(
      /^SseModule: Invalid options: .* Use an object: \{\} for the defaults\.$/,
    );
    expect(refused(given as never)).toMatch(/^News\.all: Invalid options: /);
    expect(refusal(() => resolveOptions('News.all', {}, given as never))).toMatch(
      /^@SseDefaults\(\) of News: Invalid options: /,
    );
  });
});

describe('options that contradict each other are rejected, with both values', () => {
  it.each<[string, SseOptions, string, string]>([
    ['a heartbeat longer than the stall limit', { heartbeat: 40_000, stallMs: 30_000 }, '40000', '30000'],
    [
      'a timeout after the end',
      { timeout: { afterMs: 60_000 }, maxDurationMs: 50_000 },
      '60000',
      '50000. timeout.afterMs, 60000, would never be reached',
    ],
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

  it('but not if the process limit of a route is below a limit of the module', () => {
    const route: SseOptions = { limit: { key: 'process', max: 1 } };
    expect(refusal(() => resolveOptions('A', { limit: { key: 'ip', max: 5 } }, {}, route))).toBe(
      'was not refused',
    );
  });

  it('also if they come from different levels', () => {
    const module: SseOptions = { limit: { key: 'process', max: 10 }, maxDurationMs: 1000 };
    expect(refusal(() => resolveOptions('A', module, { limit: { key: 'ip', max: 11 } }))).toContain('11');
    expect(refusal(() => resolveOptions('A', module, {}, { revalidateMs: 2000 }))).toContain('2000');
  });
});

describe('valid options', () => {
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
