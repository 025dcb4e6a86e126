import { Channels, memoryLog, uiMessage, type ChannelSubscription } from 'nestjs-event-stream';
import { GapEvent } from '../events/library-events.js';
import type { UiMessageChunk } from './message-chunks.js';
import { WholeAnswer } from './whole-answer.js';

const START = { type: 'start' };
const delta = (text: string) => ({ type: 'text-delta', id: 't', delta: text });
const entry = (id: string | undefined, data: object) => ({ id, data });

/** A subscription that has these events. */
function subscription(...events: object[]) {
  const made = { closed: false, close: () => void (made.closed = true), next: async () => nextOf(events) };
  return made;
}

function nextOf(events: object[]): IteratorResult<object, undefined> {
  const value = events.shift();
  return value ? { done: false, value } : { done: true, value: undefined };
}

const answerOf = (given: object) => new WholeAnswer(given as ChannelSubscription<UiMessageChunk>);

async function collect(answer: WholeAnswer): Promise<unknown[]> {
  const chunks: unknown[] = [];
  for await (const chunk of answer) chunks.push(chunk);
  return chunks;
}

describe('a whole answer', () => {
  it('gives the chunks of a state, and those that follow it', async () => {
    const channel = new Channels({ log: memoryLog() }).channel<UiMessageChunk>('a', { fold: uiMessage() });
    await channel.publish([START, delta('a'), delta('b')]);
    const answer = new WholeAnswer(channel.subscribe());
    const chunks = [await answer.next(), await answer.next()];
    await channel.publish(delta('c'));
    chunks.push(await answer.next());
    expect(chunks.map(({ value }) => value as unknown)).toEqual([START, delta('ab'), delta('c')]);
    expect(await answer.return()).toEqual({ done: true, value: undefined });
    expect(channel.size()).toBe(0);
  });

  it('ends with its subscription', async () => {
    const events = [entry(undefined, START), entry('1', delta('a')), entry('2', delta('b'))];
    expect(await collect(answerOf(subscription(...events)))).toEqual([START, delta('a'), delta('b')]);
  });

  it.each([
    ['chunks are missing', new GapEvent('gap', '2', undefined, undefined, { requested: '1', oldest: '2' })],
    ['a state would be sent a second time', entry(undefined, START)],
  ])('fails where %s, and ends its subscription', async (_what, event) => {
    const given = subscription(entry('1', START), event, entry('3', delta('a')));
    const answer = answerOf(given);
    expect(await answer.next()).toEqual({ done: false, value: START });
    await expect(answer.next()).rejects.toMatchObject({ status: 410 });
    expect(given.closed).toBe(true);
  });
});
