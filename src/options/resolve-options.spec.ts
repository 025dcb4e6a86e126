import { resolveModuleOptions, resolveOptions } from './resolve-options.js';
import { SSE_DEFAULTS, type SseOptions, type SseRouteOptions } from './sse.options.js';

const refusal = (options: object, route: object = {}): unknown => {
  try {
    return resolveOptions('Jobs.progress', resolveModuleOptions(options).streams, {}, route);
  } catch (error) {
    return error;
  }
};

describe('the options of a route', () => {
  it('are the defaults if nothing is set', () => {
    expect(resolveOptions('here', {})).toEqual({
      emits: 'events',
      serialize: JSON.stringify,
      ids: false,
      openAfterMs: 250,
      heartbeat: { intervalMs: 15_000, serialize: JSON.stringify },
      errors: { event: 'error' },
      complete: undefined,
      timeout: false,
      maxDurationMs: false,
      expiresAt: undefined,
      revalidateMs: false,
      overflow: SSE_DEFAULTS.overflow,
      stallMs: 30_000,
      teardownWarnMs: 10_000,
      limits: [],
      lastEventIdQuery: false,
      maxLastEventIdBytes: 4096,
    });
  });

  it.each<[keyof SseOptions, unknown, unknown, unknown]>([
    ['emits', 'data', 'events', 'data'],
    ['ids', 'sequence', () => '1', false],
    ['openAfterMs', 1, 2, 3],
    ['maxDurationMs', 100_000, 200_000, 300_000],
    ['stallMs', 40_000, 50_000, 60_000],
    ['teardownWarnMs', 1, 2, false],
    ['maxLastEventIdBytes', 1, 2, 3],
    ['lastEventIdQuery', true, false, true],
    ['complete', { event: 'a' }, 'reconnect', { event: 'c' }],
    ['timeout', { afterMs: 1 }, { afterMs: 2 }, false],
  ])(
    '%s: the module overrides the default, the controller the module, and the route the controller',
    (name, a, b, c) => {
      const [module, controller, route] = [{ [name]: a }, { [name]: b }, { [name]: c }] as SseOptions[];
      const resolved = (...levels: (SseOptions | undefined)[]): unknown =>
        resolveOptions('here', levels[0] ?? {}, levels[1], levels[2])[name as 'emits'];
      expect(resolved(module)).toEqual(a);
      expect(resolved(module, controller)).toEqual(b);
      expect(resolved(module, controller, route)).toEqual(c);
      expect(resolved(undefined, controller)).toEqual(b);
      expect(resolved(module, undefined, route)).toEqual(c);
    },
  );

  it('are not hidden by an option that is undefined', () => {
    const route = { heartbeat: undefined, emits: undefined } as object as SseRouteOptions;
    const { heartbeat, emits } = resolveOptions('here', { heartbeat: 5, emits: 'data' }, {}, route);
    expect([heartbeat, emits]).toEqual([expect.objectContaining({ intervalMs: 5 }), 'data']);
  });

  it('replace the whole option of the level above', () => {
    const { heartbeat, errors } = resolveOptions(
      'here',
      { heartbeat: { intervalMs: 5, event: 'ping' }, errors: { event: 'failure', map: () => 1 } },
      { heartbeat: { event: 'beat' }, errors: {} },
    );
    expect(heartbeat).toEqual({ intervalMs: 15_000, event: 'beat', serialize: JSON.stringify });
    expect(errors).toEqual({ event: 'error' });
  });

  it.each([
    [7000, { intervalMs: 7000 }],
    [
      { intervalMs: 7000, event: 'ping' },
      { intervalMs: 7000, event: 'ping' },
    ],
    [{ event: 'ping' }, { intervalMs: 15_000, event: 'ping' }],
    [false, false],
  ])('accept a heartbeat as a number, an object or a switch: %j', (heartbeat, expected) => {
    const resolved = resolveOptions('here', { heartbeat } as SseOptions).heartbeat;
    expect(resolved).toEqual(
      expected === false ? false : { ...(expected as object), serialize: JSON.stringify },
    );
  });

  it('derive the stall limit from a slow heartbeat, unless one was set', () => {
    expect(resolveOptions('here', { heartbeat: 60_000 }).stallMs).toBe(60_000);
    expect(resolveOptions('here', { heartbeat: 5_000 }).stallMs).toBe(30_000);
    expect(resolveOptions('here', { heartbeat: 60_000, stallMs: false }).stallMs).toBe(false);
  });

  it.each([
    [64, 64],
    [0, Infinity],
    [Infinity, Infinity],
    [undefined, 1_048_576],
  ])("treat Nest's maxPendingDataLength %p as a bound of %p", (maxPendingDataLength, maxBytes) => {
    const route = { maxPendingDataLength } as SseRouteOptions;
    expect(resolveOptions('here', {}, {}, route).overflow.maxBytes).toBe(maxBytes);
  });

  it("prefer a route's maxPendingDataLength to the module's bound, and the route's bound to both", () => {
    const module = { overflow: { maxBytes: 5, policy: 'drop-oldest' } } as const;
    const resolved = (route: SseRouteOptions): unknown => resolveOptions('here', module, {}, route).overflow;
    expect(resolved({})).toMatchObject({ maxBytes: 5, policy: 'drop-oldest' });
    expect(resolved({ maxPendingDataLength: 64 })).toMatchObject({ maxBytes: 64, policy: 'drop-oldest' });
    expect(resolved({ maxPendingDataLength: 64, overflow: { maxBytes: 7 } })).toMatchObject({ maxBytes: 7 });
  });

  it('add the limits of the module, which count over all routes, to those of the route', () => {
    const limits = resolveOptions(
      'here',
      { limit: { key: 'process', max: 100 }, exclusive: 'ip' },
      {},
      { limit: [{ key: 'route', max: 5, status: 'retry', retryMs: 10 }] },
    ).limits;
    expect(limits).toEqual([
      { key: 'process', max: 100, status: 503, retryMs: 5000, name: 'limit', shared: true },
      { key: 'ip', max: 1, status: 429, retryMs: 5000, name: 'exclusive', shared: true },
      { key: 'route', max: 5, status: 'retry', retryMs: 10, name: 'limit[0]', shared: false },
    ]);
  });
});

describe('options out of range are rejected, with the name and the value', () => {
  it.each<[object, string]>([
    [{ emits: 'text' }, '"emits": "text"'],
    [{ openAfterMs: -1 }, '"openAfterMs": -1'],
    [{ openAfterMs: '5' }, '"openAfterMs": "5"'],
    [{ openAfterMs: 2 ** 31 }, '"openAfterMs": 2147483648'],
    [{ heartbeat: 0 }, '"heartbeat": 0'],
    [{ heartbeat: NaN }, '"heartbeat": NaN'],
    [{ heartbeat: { intervalMs: 0 } }, '"heartbeat.intervalMs": 0'],
    [{ heartbeat: { event: 'a\nb' } }, '"heartbeat.event": "a\\nb"'],
    [{ heartbeat: { id: ' x' } }, '"heartbeat.id": " x"'],
    [{ errors: { event: 'a\r' } }, '"errors.event": "a\\r"'],
    [{ complete: { event: 'a\nb' } }, '"complete.event": "a\\nb"'],
    [{ complete: { id: 'é' } }, '"complete.id": "é"'],
    [{ timeout: { afterMs: 0 } }, '"timeout.afterMs": 0'],
    [{ timeout: { afterMs: 5, event: '\n' } }, '"timeout.event": "\\n"'],
    [{ maxDurationMs: Infinity }, '"maxDurationMs": Infinity'],
    [{ revalidateMs: 0 }, '"revalidateMs": 0'],
    [{ stallMs: -5 }, '"stallMs": -5'],
    [{ teardownWarnMs: 0 }, '"teardownWarnMs": 0'],
    [{ overflow: { maxBytes: 0 } }, '"overflow.maxBytes": 0'],
    [{ overflow: { maxBytes: 1.5 } }, '"overflow.maxBytes": 1.5'],
    [{ overflow: { policy: 'drop' } }, '"overflow.policy": "drop"'],
    [{ maxLastEventIdBytes: 0 }, '"maxLastEventIdBytes": 0'],
    [{ limit: { key: 'route', max: 0 } }, '"limit.max": 0'],
    [{ limit: { key: 'user', max: 1 } }, '"limit.key": "user"'],
    [{ limit: { key: 'ip', max: 1, status: 200 } }, '"limit.status": 200'],
    [{ limit: { key: 'ip', max: 1, retryMs: -1 } }, '"limit.retryMs": -1'],
  ])('%j', (options, says) => {
    const rejected = (where: string): object => ({
      code: 'SSE_INVALID_OPTIONS',
      message: expect.stringContaining(`${where}: Invalid option ${says}`) as string,
    });
    expect(refusal(options)).toMatchObject(rejected('SseModule'));
    expect(refusal({}, options)).toMatchObject(rejected('Jobs.progress'));
  });

  it.each([
    [{ shutdownMs: -1 }, '"shutdownMs": -1'],
    [{ shutdownMs: Infinity }, '"shutdownMs": Infinity'],
    [{ shutdownRetryMs: 0.5 }, '"shutdownRetryMs": 0.5'],
  ])('%j, of the module', (options, says) => {
    expect(() => resolveModuleOptions(options)).toThrow(`SseModule: Invalid option ${says}`);
  });
});

describe('options that contradict each other are rejected, with both values', () => {
  it.each<[SseOptions, SseOptions, string, string]>([
    [{ heartbeat: 40_000 }, { stallMs: 20_000 }, '"stallMs": 20000', 'the heartbeat, 40000'],
    [
      { timeout: { afterMs: 9000 } },
      { maxDurationMs: 9000 },
      '"maxDurationMs": 9000',
      'timeout.afterMs, 9000',
    ],
    [{ revalidateMs: 9000 }, { maxDurationMs: 8000 }, '"maxDurationMs": 8000', 'revalidateMs, 9000'],
    [
      { limit: { key: 'process', max: 10 } },
      { limit: { key: 'ip', max: 11 } },
      '"limit.max": 11',
      'limit of the process is 10',
    ],
  ])('%j and %j', (module, route, one, other) => {
    const { message } = refusal(module, route) as Error;
    expect(message).toContain(one);
    expect(message).toContain(other);
  });

  it('but not if a function decides for each request', () => {
    expect(() => resolveOptions('here', { maxDurationMs: 10, timeout: { afterMs: () => 20 } })).not.toThrow();
  });
});
