import { jest } from '@jest/globals';
import { event } from '../events/sse-event.js';
import type { EventLog } from '../log/event-log.js';
import { toRecord } from '../log/log-record.js';
import { memoryLog } from '../log/memory-log.js';
import { Channels } from './channels.js';
import type { PublishOptions } from './publish-in.js';

const tx = { query: () => Promise.resolve({ rows: [] }) } as unknown as PublishOptions['tx'];

/** A log with transactions. */
function transactional(appendIn: NonNullable<EventLog['appendIn']>): EventLog {
  return Object.assign(memoryLog(), { appendIn });
}

describe('publish() in a transaction', () => {
  it('gives the log the records and the transaction, and resolves without an id', async () => {
    const appendIn = jest.fn(() => Promise.resolve());
    const channel = new Channels({ log: transactional(appendIn) }).channel('a');
    const statement = () => Promise.resolve([]);
    const own = event({ id: 7, data: 'two' });
    expect(await channel.publish(['one', own], { tx })).toBeUndefined();
    expect(await channel.publish('three', { tx: statement as never })).toBeUndefined();
    expect(appendIn.mock.calls).toEqual([
      [tx, 'a', [toRecord('one', undefined), toRecord(own, undefined)]],
      [statement, 'a', [toRecord('three', undefined)]],
    ]);
  });

  it('rejects with the error of the log', async () => {
    const log = transactional(() => Promise.reject(new Error('rolled back')));
    await expect(new Channels({ log }).channel('a').publish('one', { tx })).rejects.toThrow('rolled back');
  });

  it('is rejected, and publishes nothing, if the log has no transactions', async () => {
    const channel = new Channels().channel('a');
    const subscription = channel.subscribe({ from: 'oldest' });
    await expect(channel.publish('one', { tx })).rejects.toMatchObject({
      code: 'SSE_INVALID_TRANSACTION',
      message:
        'The event log has no transactions. ' +
        'Keep channels in postgresLog(), or publish without "tx" after the transaction.',
      context: { channel: 'a' },
    });
    expect(subscription.take()).toBeUndefined();
  });

  it.each([
    [{}, '"tx"'],
    [{ tx: undefined }, '"tx"'],
    [{ tx: null }, 'Invalid option "tx": null'],
    [{ tx: {} }, 'Invalid option "tx": {}'],
    [{ tx: { query: 'SELECT 1' } }, 'Invalid option "tx": {'],
    [{ tx: 'BEGIN' }, 'Invalid option "tx": "BEGIN"'],
    [{ transaction: tx }, 'Unknown option "transaction"'],
    [null, 'Invalid options: null'],
  ])('is rejected with the options %p, before the log has anything', async (options, says) => {
    const appendIn = jest.fn(() => Promise.resolve());
    const channel = new Channels({ log: transactional(appendIn) }).channel('a');
    const error = await channel.publish('one', options as never).then(undefined, (reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'SSE_INVALID_OPTIONS' });
    expect((error as Error).message).toContain('publish(): ');
    expect((error as Error).message).toContain(says);
    expect(appendIn).not.toHaveBeenCalled();
  });
});
