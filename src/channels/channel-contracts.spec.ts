import * as v from 'valibot';
import { z } from 'zod';
import { defineEvents } from '../events/event-contract.js';
import { text, type } from '../events/payload-schemas.js';
import { comment, event } from '../events/sse-event.js';
import { Channels } from './channels.js';

const events = defineEvents({
  progress: z.object({ percent: z.number() }),
  token: text(),
  on: z.literal('on'),
});
const refusal = async (call: () => unknown): Promise<unknown> => {
  try {
    return await call();
  } catch (error) {
    return error;
  }
};
// oxlint-disable-next-line typescript/no-explicit-any
const unchecked = (value: unknown): any => value;

describe('a channel with a contract', () => {
  const { NODE_ENV } = process.env;
  let channels: Channels;
  beforeEach(() => (channels = new Channels()));
  afterEach(async () => {
    process.env['NODE_ENV'] = NODE_ENV;
    await channels.close();
  });

  it('delivers the events as they were published, text as text', async () => {
    const channel = channels.channel('a', events);
    const subscription = channel.subscribe({ from: 'oldest' });
    const ids = await channel.publish([events.progress({ percent: 1 }), events.token('5'), events.on('on')]);
    await channel.publish(comment('note'));
    const last = await channel.publish(events.token('{"a":1}'));
    const seen: unknown[] = [];
    for await (const { type: name, data, id, comment: note } of subscription) {
      seen.push(note ?? [name, data, id]);
      if (seen.length === 5) break;
    }
    expect(seen).toEqual([
      ['progress', { percent: 1 }, ids[0]],
      ['token', '5', ids[1]],
      ['on', 'on', ids[2]],
      'note',
      ['token', '{"a":1}', last],
    ]);
  });

  it.each([
    ['data', event({ type: 'progress', data: { percent: 'x' } }), 'data.percent: Invalid input'],
    ['a name', event({ type: 'progres', data: 1 }), 'The contract has no event "progres".'],
    [
      'a value without a name',
      { type: 'progress', data: { percent: 1 } },
      'The contract has no event "message".',
    ],
  ])('rejects %s that breaks it, and the whole array with it', async (_what, wrong, message) => {
    const channel = channels.channel('a', events);
    const subscription = channel.subscribe();
    for (const given of [wrong, [events.token('a'), wrong]]) {
      expect(await refusal(() => channel.publish(unchecked(given)))).toMatchObject({
        code: 'SSE_INVALID_EVENT',
        message: expect.stringContaining(message) as string,
      });
    }
    await channel.publish(events.token('first'));
    expect((await subscription.next()).value?.data).toBe('first');
    subscription.close();
  });

  it('rejects a schema that is asynchronous, or throws', async () => {
    const slow = defineEvents({ a: z.number().refine(() => Promise.resolve(true)) });
    const broken = defineEvents({
      a: v.pipe(
        v.number(),
        v.check(() => {
          throw new Error('broken');
        }),
      ),
    });
    expect(await refusal(() => channels.channel('a', slow).publish(slow.a(1)))).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
    });
    expect(await refusal(() => channels.channel('b', broken).publish(broken.a(1)))).toMatchObject({
      code: 'SSE_INVALID_CONTRACT',
    });
  });

  it('does not validate in production, nor if validation is disabled, nor events of other publishers', async () => {
    const wrong = unchecked(event({ type: 'progress', data: 'wrong' }));
    const off = new Channels({ validate: false });
    await off.channel('a', events).publish(wrong);
    process.env['NODE_ENV'] = 'production';
    const inProduction = new Channels();
    await inProduction.channel('a', events).publish(wrong);
    const on = new Channels({ validate: true });
    expect(await refusal(() => on.channel('a', events).publish(wrong))).toMatchObject({
      code: 'SSE_INVALID_EVENT',
    });
    await on.channel('a').publish(wrong);
    await Promise.all([off, inProduction, on].map((each) => each.close()));
  });

  it('has one contract in a process, through whatever object it is used', () => {
    channels.channel('a', events);
    channels.channel('a');
    channels.channel('a', events);
    channels.channel('a', defineEvents({ ...events['~contract'] } as never));
    channels.channel('b', defineEvents({ progress: type<number>() }));
  });

  it.each([
    ['another schema', { ...events['~contract'], progress: z.object({ percent: z.number() }) }, 'progress'],
    ['an event more', { ...events['~contract'], done: type<null>() }, 'done'],
    ['an event less', { progress: events['~contract'].progress, on: events['~contract'].on }, 'token'],
  ])('rejects a second contract with %s, and names the event', (_what, schemas, name) => {
    channels.channel('a', events);
    const other = defineEvents(schemas as never);
    const error = {
      code: 'SSE_INVALID_CONTRACT',
      message: expect.stringContaining(
        `The channel "a" has two contracts, which differ in the event "${name}".`,
      ) as string,
      context: { channel: 'a', event: name },
    };
    expect(() => channels.channel('a', other)).toThrow(expect.objectContaining(error) as Error);
    expect(() => channels.subscribe(['0', 'a'], { events: other })).toThrow(
      expect.objectContaining(error) as Error,
    );
    // A rejected subscription has not claimed the other channel.
    channels.channel('0', events);
  });

  it.each([null, {}, 5, 'progress'])('rejects %p as a contract', (given) => {
    expect(() => channels.channel('a', given as never)).toThrow(
      expect.objectContaining({ code: 'SSE_INVALID_CONTRACT' }) as Error,
    );
    expect(() => channels.subscribe('a', { events: given as never })).toThrow(
      expect.objectContaining({ code: 'SSE_INVALID_CONTRACT' }) as Error,
    );
  });

  it('remembers the contracts of 10,000 channels, and forgets the oldest', () => {
    const other = defineEvents({ other: text() });
    for (let i = 0; i < 10_000; i++) channels.channel(`job:${i}`, events);
    // A channel that is known already takes no place of another one.
    channels.channel('job:9999', events);
    expect(() => channels.channel('job:0', other)).toThrow('has two contracts');
    channels.channel('job:10000', events);
    channels.channel('job:0', other);
    expect(() => channels.channel('job:10000', other)).toThrow('has two contracts');
  });

  it('still rejects options that subscriptions do not have', () => {
    expect(() => channels.channel('a', events).subscribe({ events } as never)).toThrow(
      'Unknown option "events"',
    );
    expect(() => channels.subscribe('a', null as never)).toThrow('Invalid options: null');
  });
});
