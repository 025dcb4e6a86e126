import { ConflictException, HttpException } from '@nestjs/common';
import { Observable, concat, interval, of, throwError } from 'rxjs';
import { event, type EventLog } from 'nestjs-event-stream';
import { eachReach } from '../../test/fixtures/each-reach.js';
import { TestNodes, turns } from '../../test/fixtures/nodes.js';
import { Hand, RunViewer } from '../../test/fixtures/run-viewer.js';
import { toRecord } from '../log/log-record.js';
import { SseError } from '../errors/sse.errors.js';

const parked = () => new Promise<never>(() => undefined);
const code = (wanted: string) => expect.objectContaining({ code: wanted }) as Error;
const { collect } = RunViewer;

eachReach('runs', (add, nodes) => {
  it('are stopped from any node: the signal aborts, the source ends, and viewers receive the end', async () => {
    const [a, b, c] = [add(), add(), add()];
    const by = { a, c };
    for (const [id, node] of Object.entries(by)) {
      const hand = new Hand();
      await a.runs.start(id, hand.source);
      hand.give(1);
      await turns();
      const views = [await RunViewer.attach(a, id), await RunViewer.attach(b, id)];
      expect(await node.runs.stop(id)).toBe(true);
      expect(await b.runs.status(id)).toBe('stopped');
      for (const { end, seen } of views) expect([await end, seen]).toEqual(['ended', [1, 'stopped']]);
      expect(hand.signal?.reason).toEqual(code('SSE_RUN_STOPPED'));
      await turns();
      expect(hand.finished).toBe(true);
      expect(await c.runs.stop(id)).toBe(false);
      expect(await a.runs.stop(id)).toBe(false);
    }
  });

  it('send last words when they are stopped, in the turn of the stop; later values are dropped', async () => {
    const a = add();
    const late: unknown[] = [];
    await a.runs.start('r', (signal) => {
      return new Observable((subscriber) => {
        subscriber.next('first');
        signal.addEventListener('abort', () => subscriber.next('goodbye'));
        return () => late.push('released');
      });
    });
    const viewer = await RunViewer.attach(a, 'r');
    await turns();
    await a.runs.stop('r');
    await viewer.end;
    expect(viewer.seen).toEqual(['first', 'goodbye', 'stopped']);
    expect(late).toEqual(['released']);
  });

  it('end when stopped although their source does not', async () => {
    const a = add();
    await a.runs.start('r', async function* () {
      yield 1;
      await parked();
    });
    const viewer = await RunViewer.attach(a, 'r');
    await turns();
    expect(await a.runs.stop('r')).toBe(true);
    expect(await viewer.end).toBe('ended');
    // Its factory may not even have returned.
    await a.runs.start('p', parked);
    expect(await a.runs.stop('p')).toBe(true);
    // The timer of the warning is the only thing left of both.
    await nodes().advance(10_000);
  });

  it('can stop without last words, or with others', async () => {
    const a = add({ stopped: false });
    await a.runs.start('r', parked);
    await a.runs.stop('r');
    expect((await collect(a, 'r')).seen).toEqual([]);
    await a.runs.start('s', parked, { stopped: 'cancelled' });
    await a.runs.stop('s');
    const subscription = await a.runs.attach('s');
    expect((await subscription.next()).value).toMatchObject({ type: 'cancelled', data: { reason: 'stop' } });
  });

  it('that fail show the response of an HttpException, and no details of another error, which is logged once', async () => {
    const [a, b] = [add(), add()];
    const hand = new Hand();
    await a.runs.start('told', hand.source);
    hand.give(1);
    await turns();
    const views = [await RunViewer.attach(a, 'told'), await RunViewer.attach(b, 'told')];
    hand.fail(new ConflictException('Out of paper'));
    for (const { end, seen } of views) {
      const error = (await end) as HttpException;
      expect(seen).toEqual([1]);
      expect(error).toBeInstanceOf(HttpException);
      expect([error.getStatus(), error.getResponse()]).toEqual([
        409,
        { statusCode: 409, error: 'Conflict', message: 'Out of paper' },
      ]);
    }
    await a.runs.start('secret', () =>
      concat(
        of(1),
        throwError(() => new Error('password')),
      ),
    );
    const { end, seen } = await RunViewer.attach(b, 'secret');
    const error = (await end) as HttpException;
    expect([error.getStatus(), error.getResponse(), seen]).toEqual([500, 'Internal server error', [1]]);
    expect(await b.runs.status('secret')).toBe('failed');
    expect(a.logger.errors.splice(0)).toEqual([
      expect.stringMatching(/^Run "secret": Error: password\n\s+at /),
    ]);
  });

  it('that failed before the first event, or have no new events, answer with the error instead of a stream', async () => {
    const [a, b] = [add(), add()];
    await a.runs.start('r', () => {
      throw new ConflictException('No');
    });
    await turns();
    for (const { runs } of [a, b]) await expect(runs.attach('r')).rejects.toThrow('No');
    await a.runs.start('s', async function* () {
      yield event({ id: 5, data: 'x' });
      yield 'y';
      throw new ConflictException('No more');
    });
    await turns();
    const { ids, end } = await RunViewer.attach(b, 's');
    expect(await end).toMatchObject({ message: 'No more' });
    await expect(b.runs.attach('s', { after: ids[1] })).rejects.toThrow('No more');
    expect((await collect(b, 's', { after: '5' })).seen).toEqual(['y']);
  });

  it('that failed return their values unchanged to an iterating caller', async () => {
    const a = add();
    await a.runs.start('r', function* () {
      yield { n: 1 };
      throw new ConflictException('No more');
    });
    await turns();
    for (let i = 0; i < 2; i++) {
      const viewer = await RunViewer.attach(a, 'r');
      expect([await viewer.end, viewer.seen]).toEqual([expect.objectContaining({ status: 409 }), [{ n: 1 }]]);
    }
  });

  it.each([
    ['a plain value', () => ({ answer: 42 })],
    ['a string', () => 'text'],
    ['nothing', () => undefined],
  ])('fail if their source is %s', async (_, source) => {
    const a = add();
    await a.runs.start('r', source);
    await turns();
    expect(await a.runs.status('r')).toBe('failed');
    expect(a.logger.errors.splice(0)).toEqual([expect.stringMatching(/^Run "r": SseError: /)]);
  });

  it('that yield an invalid value fail there: earlier events are kept, the source is released', async () => {
    const a = add();
    const bad: [unknown, string][] = [
      [1n, 'SSE_NOT_SERIALIZABLE'],
      ['x'.repeat(300_000), '262144'],
      [event({ id: '~end', data: 1 }), 'has ended'],
    ];
    for (const [i, [value, said]] of bad.entries()) {
      let released = false;
      await a.runs.start(`r${i}`, async function* (signal: AbortSignal) {
        try {
          yield* [0, 1, value, 2, 3];
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        } finally {
          released = true;
        }
      });
      const { seen, end } = await RunViewer.attach(a, `r${i}`);
      expect(await end).toMatchObject({ status: 500 });
      expect(seen).toEqual([0, 1]);
      await turns();
      expect(released).toBe(true);
      expect(a.logger.errors.splice(0).map((text) => text.includes(said) || text.includes('JSON'))).toEqual([
        true,
      ]);
    }
  });

  it('cannot be ended by a yielded value', async () => {
    const a = add();
    const fake = [
      event({ type: 'run-end', data: JSON.stringify({ run: 'x', outcome: { status: 'completed' } }) }),
      event({ type: 'run-end', data: { run: 'r' } }),
      event({ type: 'run-end', data: '{"run":"' }),
    ];
    await a.runs.start('r', () => [...fake, 'last']);
    expect((await collect(a, 'r')).seen).toEqual(['run-end', 'run-end', 'run-end', 'last']);
  });

  it('without viewers end after orphanMs, and not before', async () => {
    const [a, b] = [add(), add()];
    const hand = new Hand();
    await a.runs.start('r', hand.source, { orphanMs: 8000 });
    await nodes().advance(6000);
    const leaving = new AbortController();
    const viewer = await RunViewer.attach(b, 'r', { signal: leaving.signal });
    const here = await RunViewer.attach(a, 'r', { signal: leaving.signal });
    hand.give(1);
    await nodes().advance(60_000);
    expect([viewer.over, await a.runs.status('r')]).toEqual([false, 'running']);
    leaving.abort();
    await viewer.end;
    await here.end;
    await nodes().advance(7000);
    expect(await a.runs.status('r')).toBe('running');
    // A node reports with its next sign of life, at most 5 s later, that it has no viewers left.
    await nodes().advance(7500);
    expect([await a.runs.status('r'), hand.signal?.aborted]).toEqual(['stopped', true]);
    const subscription = await b.runs.attach('r');
    expect((await subscription.next()).value).toMatchObject({ data: 1 });
    expect((await subscription.next()).value).toMatchObject({
      type: 'stopped',
      data: { reason: 'orphaned' },
    });
    await subscription.return();
  });

  it('that never had a viewer are orphans, too', async () => {
    const a = add({ orphanMs: 1000 });
    await a.runs.start('r', parked);
    await a.runs.start('kept', parked, { orphanMs: false });
    await nodes().advance(1250, 125);
    expect([await a.runs.status('r'), await a.runs.status('kept')]).toEqual(['stopped', 'running']);
  });

  it('end with their application, and report that they were interrupted', async () => {
    const [a, b] = [add(), add()];
    const hand = new Hand();
    let reason: unknown;
    await a.runs.start('r', (signal) => {
      signal.addEventListener('abort', () => (reason = signal.reason));
      return hand.source(signal);
    });
    hand.give(1);
    await turns();
    const viewer = await RunViewer.attach(b, 'r');
    await a.runs.close();
    expect(reason).toEqual(code('SSE_SHUTDOWN'));
    expect([viewer.seen, await viewer.end]).toEqual([
      [1],
      expect.objectContaining({ code: 'SSE_RUN_LOST', message: 'The run "r" was interrupted.' }),
    ]);
    expect(await b.runs.status('r')).toBe('interrupted');
    await expect(a.runs.start('s', () => [])).rejects.toThrow(code('SSE_SHUTDOWN'));
    // Another node can take over.
    await b.runs.start('r', () => [2]);
    expect((await collect(b, 'r', { after: viewer.ids[0] })).seen).toEqual(['gap', 2]);
  });

  it('hold no timers and no channels when they are over', async () => {
    const [a, b] = [add(), add()];
    await a.runs.start('r', () => interval(1), { orphanMs: 1000 });
    const viewer = await RunViewer.attach(b, 'r');
    await turns();
    await a.runs.stop('r');
    await viewer.end;
    await nodes().advance(20_000);
    expect(nodes().clock.size).toBeLessThanOrEqual(1);
    expect([...a.channels.list(), ...b.channels.list()]).toEqual([]);
  });
});

describe('a late error of a source', () => {
  it('is an error only if the source has no signal', async () => {
    const nodes = new TestNodes();
    const { runs, logger } = nodes.add();
    const throwing = (make: (signal: AbortSignal) => unknown) =>
      async function* (signal: AbortSignal) {
        yield 1;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        await turns(3);
        throw make(signal);
      };
    const cases = {
      reason: throwing((signal) => signal.reason),
      abort: throwing(() => new DOMException('x', 'AbortError')),
      late: throwing(() => new Error('late')),
      rejecting: async () => {
        await turns(40);
        throw new Error('factory');
      },
    };
    for (const [id, source] of Object.entries(cases)) await runs.start(id, source);
    await turns();
    await Promise.all(Object.keys(cases).map((id) => runs.stop(id)));
    await turns(60);
    const firstLines = (texts: string[]): string[] => texts.map((text) => text.split('\n')[0] as string);
    expect(firstLines(logger.errors)).toEqual(['Run "rejecting": Error: factory']);
    const afterAbort = 'the source failed after its signal was aborted';
    expect(firstLines(logger.debugs)).toEqual([
      expect.stringMatching(new RegExp(`^Run "reason": ${afterAbort}: SseError: `)),
      expect.stringMatching(new RegExp(`^Run "abort": ${afterAbort}: `)),
      `Run "late": ${afterAbort}: Error: late`,
    ]);
  });
});

describe('a request to stop', () => {
  it('that arrives before its owner knows that it is the owner is not missed', async () => {
    const nodes = new TestNodes();
    const [a, b] = [nodes.add(), nodes.add()];
    const append = nodes.log.append.bind(nodes.log);
    let asked = false;
    nodes.log.append = (channel, records) => {
      const positions = append(channel, records);
      const run = /"is":"claim","run":"(\w+)"/.exec(records[0]?.frame ?? '')?.[1];
      if (run && !asked) {
        const record = event({ type: 'run', data: JSON.stringify({ is: 'stop', run }) });
        void append(channel, [toRecord(record, undefined)]);
        asked = true;
      }
      return positions;
    };
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    await turns();
    expect([await b.runs.status('r'), hand.signal?.aborted]).toEqual(['stopped', true]);
  });
});

describe('an end whose marker cannot be written for long', () => {
  it('does not make the run look alive once the log has evicted the end', async () => {
    const nodes = new TestNodes({ maxAgeMs: 20_000 });
    const a = nodes.add();
    const hand = new Hand();
    await a.runs.start('r', hand.source);
    const { append } = a.wire;
    a.wire.append = (channel, records) =>
      channel.startsWith('run-events:')
        ? Promise.reject(new SseError('SSE_LOG_UNAVAILABLE', 'Away.'))
        : append.call(a.wire, channel, records);
    hand.done();
    const statuses = new Set<unknown>();
    for (let seconds = 0; seconds < 60; seconds++) {
      await nodes.advance(1000);
      statuses.add(await nodes.add({}, 'direct').runs.status('r'));
    }
    expect([...statuses]).toEqual(['completed', undefined]);
    const closing = a.runs.close(1000);
    await nodes.advance(2000);
    await closing;
  });
});

describe('an end that is in the log', () => {
  it('counts on every node, even before the log has answered the owner', async () => {
    const nodes = new TestNodes();
    const b = nodes.add();
    const slow: EventLog = Object.create(nodes.log) as EventLog;
    let answer: () => void = () => undefined;
    slow.append = async (channel, records) => {
      const positions = await nodes.log.append(channel, records);
      const isEnd = records[0]?.frame.includes('"is":"ended"');
      if (isEnd) await new Promise<void>((resolve) => (answer = resolve));
      return positions;
    };
    const owner = nodes.on(slow);
    const hand = new Hand();
    await owner.runs.start('r', hand.source);
    hand.give(1);
    await turns();
    expect(await b.runs.stop('r')).toBe(true);

    for (const { runs } of [owner, b]) {
      expect([await runs.status('r'), await runs.stop('r')]).toEqual(['stopped', false]);
      expect(await runs.list()).toEqual([]);
      expect(await runs.attach('r', { none: 204 })).toMatchObject({ status: 204 });
      expect((await collect({ runs }, 'r')).seen).toEqual([1, 'stopped']);
    }
    const next = owner.runs.start('r', hand.source);
    answer();
    await next;
    await turns();
    expect([await b.runs.status('r'), owner.runs.size()]).toEqual(['running', 1]);
    const closing = Promise.all([owner.runs.close(), b.runs.close()]);
    await turns();
    answer();
    await closing;
    expect(owner.logger.errors).toEqual([]);
  });
});
