import * as fc from 'fast-check';
import { memoryLog, type EventLog, type LogSlice } from 'nestjs-event-stream';
import { redisLog, type RedisLog } from 'nestjs-event-stream/redis';
import { toRecord } from '../../src/log/log-record.js';
import { event } from '../../src/events/sse-event.js';
import { compareEventIds } from '../../src/log/event-ids.js';
import * as arbitrary from '../fixtures/arbitrary-events.js';
import { locatedIn, ownIdCalls } from '../fixtures/own-ids.js';
import { redisClient } from '../fixtures/redis-client.mjs';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';

const ALL = { events: 100_000, bytes: 100_000_000 };

/** Own IDs of one kind, as a channel has them: whole numbers, or texts of one length, and some without an order. */
const digits = fc.oneof(
  fc.nat(60).map(String),
  fc.nat(60).map((n) => `0${n}`),
  fc.constantFrom('99999999999999999999', '100000000000000000000'),
);
const texts = fc.oneof(
  fc.nat(20).map((n) => `a${String(n).padStart(2, '0')}`),
  fc.constantFrom('x y', 'Z', 'zzz'),
);
const scenario = fc.constantFrom(digits, texts).chain((ownId) =>
  fc.record({
    calls: fc.array(fc.array(fc.option(ownId, { nil: undefined, freq: 4 }), { minLength: 1, maxLength: 5 }), {
      maxLength: 14,
    }),
    asked: fc.array(fc.oneof({ weight: 5, arbitrary: ownId }, fc.constantFrom('17', 'a07', 'none')), {
      maxLength: 8,
    }),
  }),
);

await describeRedis('redisLog does what memoryLog does', (url) => {
  const prefix = testPrefix();
  let logs: RedisLog[] = [];
  let channels = 0;
  beforeAll(
    () =>
      (logs = [0, 1].map(() => redisLog({ client: redisClient(url), prefix, trim: 'exact', maxEvents: 20 }))),
  );
  afterAll(async () => {
    for (const log of logs) log.close();
    await removeKeys(url, prefix);
  });

  it('with own IDs of every kind: rejected, kept and located events, and gaps', async () => {
    await fc.assert(
      fc.asyncProperty(scenario, async ({ calls, asked }) => {
        const name = `ids-${channels++}`;
        const memory = memoryLog({ maxEvents: 20 });
        const positions = new Map<string, string>();
        for (const [i, ids] of calls.entries()) {
          const [expected, actual] = await Promise.all(
            [memory, logs[i % 2]!].map((log) => appended(log, name, ids)),
          );
          expect(typeof actual === 'string' ? actual : actual!.length).toEqual(
            typeof expected === 'string' ? expected : expected!.length,
          );
          if (typeof expected === 'string') continue;
          for (const [n, position] of (actual as string[]).entries())
            positions.set(position, expected![n] as string);
        }
        for (const id of asked) {
          const [expected, actual] = await Promise.all([memory, logs[0]!].map((log) => log.locate(name, id)));
          expect([id, actual && positions.get(actual)]).toEqual([id, expected]);
        }
        for (const [position, inMemory] of [...positions, [undefined, undefined] as const]) {
          const [expected, actual] = [
            memory.read(name, inMemory, ALL),
            await logs[1]!.read(name, position, ALL),
          ];
          expect(seen(actual)).toEqual(seen(expected));
        }
      }),
      { numRuns: 120 },
    );
  });

  it('with own IDs of several kinds: those with an order are located, others are not or correctly', async () => {
    const log = redisLog({ client: redisClient(url), prefix });
    logs.push(log);
    await fc.assert(
      fc.asyncProperty(ownIdCalls, async ({ calls, asked }) => {
        const name = `mixed-${channels++}`;
        const memory = memoryLog();
        const [ids, positions]: [(string | undefined)[], string[]] = [[], []];
        for (const call of calls) {
          const [expected, outcome] = await Promise.all(
            [memory, log].map((each) => appended(each, name, call)),
          );
          expect(typeof outcome).toBe(typeof expected);
          if (typeof outcome === 'string') continue;
          positions.push(...(outcome as readonly string[]));
          ids.push(...call);
        }
        const own = ids.filter((id) => id !== undefined);
        const found = await Promise.all(
          [...asked, ...own].map(async (id) => [id, await log.locate(name, id)]),
        );
        for (const [id, position] of found as [string, string | undefined][]) {
          const { index, mayBeUnknown } = locatedIn(ids, id);
          if (position === undefined && mayBeUnknown) continue;
          expect([ids, id, position]).toEqual([ids, id, index === undefined ? undefined : positions[index]]);
        }
      }),
      {
        numRuns: 250,
        // A binary search that skips IDs without an order found the entry before the right one.
        examples: [
          [{ calls: [['010', '11', undefined], [undefined], ['012', 'a01']], asked: ['a00'] }],
          [
            {
              calls: [
                ['0', undefined],
                ['011', 'a00'],
                [undefined, undefined],
              ],
              asked: ['010'],
            },
          ],
        ],
      },
    );
  });

  it('with events of every content', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrary.eventInit, { minLength: 1, maxLength: 6 }), async (inits) => {
        const name = `content-${channels++}`;
        const records = inits.map((init) => toRecord(event({ ...init, id: undefined }), undefined));
        const memory = memoryLog();
        await memory.append(name, records);
        await logs[0]!.append(name, records);
        const [expected, actual] = [
          memory.read(name, undefined, ALL),
          await logs[1]!.read(name, undefined, ALL),
        ];
        const received = (slice: LogSlice) =>
          slice.entries.map(({ frame, id, type, payload, bytes }) => ({
            frame: Buffer.from(frame.replace(id, 'ID')).toString(),
            type: type === undefined ? undefined : Buffer.from(type).toString(),
            payload,
            rest: bytes - id.length,
          }));
        expect(received(actual)).toEqual(received(expected));
      }),
      { numRuns: 200 },
    );
  });

  it('the order of IDs is the same in Redis as in the library', async () => {
    const text = fc.string({
      unit: fc.constantFrom('0', '1', '2', '9', 'a', 'b', 'Z', '-', ' ', '~'),
      minLength: 1,
      maxLength: 4,
    });
    const id = text.map((value) => value.trim()).filter((value) => value !== '');
    await fc.assert(
      fc.asyncProperty(id, id, async (a, b) => {
        const outcome = await appended(logs[0]!, `order-${channels++}`, [a, b]);
        expect(typeof outcome === 'string').toBe((compareEventIds(b, a) ?? 0) <= 0);
      }),
      { numRuns: 300 },
    );
  });
});

async function appended(
  log: EventLog,
  name: string,
  ids: (string | undefined)[],
): Promise<string | readonly string[]> {
  try {
    return await log.append(
      name,
      ids.map((id) => toRecord(event({ id, data: 'x' }), undefined)),
    );
  } catch (error) {
    return (error as { code: string }).code;
  }
}

function seen({ entries, gap, more }: LogSlice): unknown {
  return { gap, more, entries: entries.length };
}
