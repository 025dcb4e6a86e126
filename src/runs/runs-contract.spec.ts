import { of } from 'rxjs';
import { z } from 'zod';
import { Channels } from '../channels/channels.js';
import { defineEvents } from '../events/event-contract.js';
import { text } from '../events/payload-schemas.js';
import { comment, event } from '../events/sse-event.js';
import { Runs } from './runs.js';
import { ownRuns } from '../../test/fixtures/own-runs.js';

const events = defineEvents({ progress: z.object({ percent: z.number() }), token: text() });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
// oxlint-disable-next-line typescript/no-explicit-any
const unchecked = (value: unknown): any => value;
const quiet = { error: () => undefined, warn: () => undefined };

describe('a run with a contract', () => {
  let channels: Channels;
  let runs: Runs;
  let seen: unknown[];
  beforeEach(() => {
    channels = new Channels();
    seen = [];
    runs = new Runs(channels, { logger: quiet, onError: (error) => seen.push(error) });
  });
  afterEach(async () => {
    await runs.close();
    await channels.close();
  });

  it('has its events as they were yielded', async () => {
    const run = await runs.start(
      'a',
      async function* () {
        yield events.progress({ percent: 1 });
        await turn();
        yield comment('c');
        yield events.token('5');
      },
      { events },
    );
    const seenEvents: unknown[] = [];
    for await (const each of await run.attach()) seenEvents.push(each.comment ?? [each.type, each.data]);
    expect(seenEvents).toEqual([['progress', { percent: 1 }], 'c', ['token', '5']]);
    expect(await run.status()).toBe('completed');
  });

  it('fails with the first event that breaks it, and keeps those before', async () => {
    await runs.start(
      'a',
      async function* () {
        yield events.token('kept');
        await turn();
        yield unchecked(event({ type: 'progress', data: { percent: 'x' } }));
        yield events.token('never');
      },
      { events },
    );
    const seenEvents: unknown[] = [];
    const follow = async (): Promise<void> => {
      for await (const { data } of await runs.attach('a', { events })) seenEvents.push(data);
    };
    await expect(follow()).rejects.toMatchObject({ status: 500, message: 'Internal server error' });
    expect(seenEvents).toEqual(['kept']);
    expect(await runs.status('a')).toBe('failed');
    expect(seen).toMatchObject([{ code: 'SSE_INVALID_EVENT', context: { event: 'progress' } }]);
  });

  it('starts although a client that waits for it has another contract, which is an error for the client', async () => {
    const others = defineEvents({ progress: z.object({ done: z.boolean() }) });
    const waiting = await runs.attach('a', { none: 'wait', events: others });
    const next = waiting.next();
    next.catch(() => undefined);
    const run = await runs.start('a', () => [events.progress({ percent: 1 })], { events });
    await expect(next).rejects.toMatchObject({ code: 'SSE_INVALID_CONTRACT' });
    expect((await (await run.attach()).next()).value?.data).toEqual({ percent: 1 });
    await turn();
    expect(await run.status()).toBe('completed');
    expect(waiting.ended).toBe(true);
  });

  it('gives viewers a snapshot of the contract, or an error', async () => {
    const snapshot = () => [events.token('a'), event({ type: 'progress', data: 'wrong' }), events.token('b')];
    const run = await runs.start('a', () => [events.token('a')], { events });
    const broken = { code: 'SSE_INVALID_EVENT', context: { event: 'progress' } };
    await expect((await run.attach({ snapshot })).next()).rejects.toMatchObject(broken);
    await expect((await runs.attach('a', { events, snapshot })).next()).rejects.toMatchObject(broken);
    const off = new Runs(channels, { validate: false, logger: quiet });
    for (const viewer of [runs.attach('a', { snapshot }), off.attach('a', { events, snapshot })]) {
      const seenData: unknown[] = [];
      for await (const { data } of await viewer) seenData.push(data);
      expect(seenData).toEqual(['a', 'wrong', 'b']);
    }
    await off.close();
  });

  it('does not validate if that is disabled', async () => {
    const wrong = (): unknown => of(event({ type: 'progress', data: 'wrong' }));
    await runs.start('a', () => unchecked(wrong()), { events, validate: false });
    expect((await (await runs.attach('a')).next()).value?.data).toBe('wrong');
    const off = new Runs(channels, { validate: false, logger: quiet });
    await off.start('b', () => unchecked(wrong()), { events });
    expect((await (await off.attach('b')).next()).value?.data).toBe('wrong');
    await off.start('c', () => unchecked(wrong()), { events, validate: true });
    await expect(off.attach('c')).rejects.toMatchObject({ status: 500 });
    await off.close();
  });

  it('reports a stop to its viewers with an event whose data is an object', async () => {
    const run = await runs.start(
      'a',
      async function* (signal) {
        yield events.token('a');
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      },
      { events },
    );
    const subscription = await run.attach();
    expect((await subscription.next()).value?.type).toBe('token');
    await run.stop();
    const last = (await subscription.next()).value;
    expect([last?.type, last?.data, (await subscription.next()).done]).toEqual([
      'stopped',
      { reason: 'stop' },
      true,
    ]);
    const frames = await channels.log.read((await firstChannel(channels)) ?? '', undefined, {
      events: 10,
      bytes: 10_000,
    });
    expect(frames.entries.map(({ frame }) => frame.replace(/^id: .*\n/m, ''))).toEqual(
      expect.arrayContaining(['event: stopped\ndata: {"reason":"stop"}\n\n']) as string[],
    );
  });

  it('rejects viewers that attach with another contract', async () => {
    await runs.start('a', () => [events.token('a')], { events });
    const others = defineEvents({ other: text() });
    await expect(runs.attach('a', { events: others })).rejects.toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
    });
    (await runs.attach('a', { events })).close();
    (await runs.attach('a')).close();
  });

  it.each([null, {}, 5])('rejects %p as a contract', async (given) => {
    const options = { events: given as never };
    await expect(runs.start('a', () => [], options)).rejects.toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    await expect(runs.attach('a', options)).rejects.toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    expect(ownRuns(runs)).toEqual([]);
  });
});

/** The channel with the events of the only run. */
async function firstChannel(channels: Channels): Promise<string | undefined> {
  const { entries } = await channels.log.read('run:a', undefined, { events: 1, bytes: 10_000 });
  const run = /"run":"([^"]+)"/.exec(entries[0]?.frame ?? '')?.[1];
  return run && `run-events:${run}:a`;
}
