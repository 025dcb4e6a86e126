import { jest } from '@jest/globals';
import { Channels, memoryLog } from 'nestjs-event-stream';
import type { SseEvent } from 'nestjs-event-stream';
import { Pace } from '../pace.js';
import { MemoryRecords } from '../state/memory-records.js';
import { Work } from '../state/work.js';
import type { Entry } from './entry.js';
import { EventIds } from './event-ids.js';
import type { CaseEvent } from './event-log.js';
import { Prescriber } from './prescriber.js';
import { ProjectStore } from './project-store.service.js';
import type { ProjectRecord } from './project.js';
import { Projects } from './projects.service.js';
import { ResultReader } from './result-reader.service.js';
import { Simulator } from './simulator.service.js';

const step = (case_id: string, activity: string): CaseEvent => ({
  case_id,
  activity,
  timestamp: '2023-01-02T08:00:00Z',
});
const prescriber = new Prescriber(Array(10).fill(['Open', 'Work', 'Close'].map((name) => step('A', name))));
const TIME = expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}$/);

const open: { leave: AbortController; stream: AsyncGenerator<SseEvent, void> }[] = [];

/** One process of the demo, with the storage that it shares with others. */
class Process {
  readonly store: ProjectStore;
  readonly simulator: Simulator;
  readonly projects: Projects;
  readonly reader: ResultReader;

  constructor(
    readonly records = new MemoryRecords(),
    readonly log = memoryLog(),
    readonly work = new Work(undefined),
  ) {
    this.store = new ProjectStore(records, new Channels({ log }));
    this.simulator = new Simulator(this.store, prescriber, work, new Pace(1000));
    this.projects = new Projects(this.store, this.simulator, prescriber);
    this.reader = new ResultReader(this.store, this.simulator);
  }

  another(): Process {
    return new Process(this.records, this.log, this.work);
  }

  record(event: CaseEvent, completed = false): Promise<number> {
    return this.projects.find('1').then((project) => this.projects.record(project, event, completed));
  }

  async read(lastEventId?: string) {
    const project: ProjectRecord = await this.projects.find('1');
    const leave = new AbortController();
    const ids = await EventIds.reserve(this.records, project.id);
    const reading = { stream: this.reader.read(project, ids, leave.signal, lastEventId), leave };
    open.push(reading);
    return reading;
  }
}

const started = async (): Promise<Process> => {
  const process = new Process();
  await process.projects.create('Loans');
  await process.projects.start('1', 'STREAMING');
  return process;
};
const next = async (stream: AsyncGenerator<SseEvent, void>): Promise<SseEvent> => {
  const { value } = await stream.next();
  if (!value) throw new Error('The stream is over.');
  return value;
};
const entries = (event: SseEvent): Entry[] => event.data as Entry[];
const entryIds = (event: SseEvent): number[] => entries(event).map(({ id }) => id);

describe('the reader of a project', () => {
  afterEach(async () => {
    for (const { leave, stream } of open.splice(0)) {
      leave.abort();
      await stream.return();
    }
  });

  it('greets a reader, then sends the backlog as one list', async () => {
    const project = await started();
    await project.record(step('A', 'Open'));
    await project.record(step('A', 'Close'), true);
    const { stream } = await project.read();
    expect(await next(stream)).toMatchObject({ type: 'notification', id: '0', data: 'CONNECTED' });
    const batch = await next(stream);
    expect(batch.type).toBe('message');
    expect(batch.data).toEqual([
      {
        id: 1,
        timestamp: TIME,
        case_completed: false,
        data: step('A', 'Open'),
        prescriptions: [
          {
            id: 1,
            datetime: TIME,
            type: 'NEXT_ACTIVITY',
            output: 'Work',
            plugin: prescriber.plugin,
          },
        ],
      },
      {
        id: 2,
        timestamp: TIME,
        case_completed: true,
        data: step('A', 'Close'),
        prescriptions: [],
      },
    ]);
  });

  it('sends entries that arrive while a reader waits', async () => {
    const project = await started();
    const { stream } = await project.read();
    await next(stream);
    const waiting = next(stream);
    await project.record(step('A', 'Open'));
    expect(entryIds(await waiting)).toEqual([1]);
  });

  it('delivers the waiting entries and sends FINISHED when the run stops', async () => {
    const project = await started();
    const { stream } = await project.read();
    await next(stream);
    await project.record(step('A', 'Open'));
    await project.projects.stop('1');
    const batch = await next(stream);
    const last = await next(stream);
    expect(entryIds(batch)).toEqual([1]);
    expect(last).toMatchObject({ type: 'notification', data: 'FINISHED' });
    expect(Number(last.id)).toBeGreaterThan(Number(batch.id));
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('sends FINISHED to the reader of a stopped run even if the next run has already started', async () => {
    const project = await started();
    const { stream } = await project.read();
    await next(stream);
    await project.projects.stop('1');
    await project.projects.start('1', 'STREAMING');
    expect(await next(stream)).toMatchObject({ data: 'FINISHED' });
  });

  it('keeps a batch that a reader did not take for the next reader', async () => {
    const project = await started();
    await project.record(step('A', 'Open'));
    const first = await project.read();
    await next(first.stream);
    const lost = await next(first.stream);
    first.leave.abort();
    await first.stream.return();
    await project.record(step('A', 'Work'));

    const second = await project.read();
    await next(second.stream);
    const batch = await next(second.stream);
    expect(entryIds(batch)).toEqual([1, 2]);
    expect(Number(batch.id)).toBeGreaterThan(Number(lost.id));
  });

  it('sends a batch that was taken to no other reader', async () => {
    const project = await started();
    await project.record(step('A', 'Open'));
    const first = await project.read();
    await next(first.stream);
    await next(first.stream);
    const waiting = first.stream.next();
    first.leave.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });

    await project.record(step('A', 'Work'));
    const second = await project.read();
    await next(second.stream);
    expect(entryIds(await next(second.stream))).toEqual([2]);
  });

  it('sends the entries after its Last-Event-ID to a reader that reconnects', async () => {
    const project = await started();
    const first = await project.read();
    await next(first.stream);
    await project.record(step('A', 'Open'));
    const seen = await next(first.stream);
    await project.record(step('A', 'Work'));
    await next(first.stream);
    const waiting = first.stream.next();
    first.leave.abort();
    await waiting;

    const again = await project.read(seen.id);
    await next(again.stream);
    expect(entryIds(await next(again.stream))).toEqual([2]);
  });

  it('ignores a Last-Event-ID that is not one of its own', async () => {
    const project = await started();
    await project.record(step('A', 'Open'));
    const { stream } = await project.read('nonsense');
    await next(stream);
    expect(entryIds(await next(stream))).toEqual([1]);
  });

  it('prescribes only from earlier events of the same case', async () => {
    const project = await started();
    await project.record(step('A', 'Open'));
    await project.record(step('B', 'Open'));
    await project.record(step('A', 'Work'));
    const { stream } = await project.read();
    await next(stream);
    const outputs = entries(await next(stream)).map(({ prescriptions }) => prescriptions[0]?.output);
    expect(outputs).toEqual(['Work', 'Work', 'Close']);
  });

  it('lets different processes record events, serve the reader, and stop the run', async () => {
    const here = await started();
    const there = here.another();
    await here.record(step('A', 'Open'));
    const first = await there.read();
    await next(first.stream);
    expect(entryIds(await next(first.stream))).toEqual([1]);
    const waiting = next(first.stream);
    expect(await there.record(step('A', 'Work'))).toBe(2);
    const second = await waiting;
    expect(entries(second)[0]?.prescriptions[0]?.output).toBe('Close');
    const end = next(first.stream);
    await here.projects.stop('1');
    const last = await end;
    expect(last.data).toBe('FINISHED');
    expect(Number(last.id)).toBeGreaterThan(Number(second.id));
    expect(await there.projects.read('1')).toMatchObject({ status: 'FINISHED', backlog: 0 });
  });

  it('misses no entry that two processes record at the same time', async () => {
    const here = await started();
    const there = here.another();
    const recorded = await Promise.all(
      Array.from({ length: 40 }, (_, i) => (i % 2 ? here : there).record(step(`case ${i}`, 'Open'))),
    );
    expect([...recorded].sort((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    const { stream } = await here.read();
    await next(stream);
    expect(entryIds(await next(stream))).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    await stream.return();
  });

  it('has ids that increase over readers in several processes', async () => {
    const here = await started();
    const ids: number[] = [];
    for (const process of [here, here.another(), here]) {
      const { stream, leave } = await process.read();
      await next(stream);
      await process.record(step('A', 'Open'));
      ids.push(Number((await next(stream)).id));
      const over = stream.next();
      leave.abort();
      await over;
    }
    expect(ids).toEqual([1, 2, 3]);
  });

  it('continues a simulation whose process has died, and misses no step', async () => {
    const here = new Process();
    const there = here.another();
    await here.projects.create('Loans');
    // The state that a process leaves if it dies after it has published the third entry.
    await here.store.change('1', [], (now) => ({
      ...now,
      status: 'SIMULATING',
      run: 1,
      step: 2,
      entries: 2,
    }));
    const project = await here.projects.find('1');
    for (const id of [1, 2, 3]) {
      await here.store.add(project, {
        id,
        timestamp: '',
        case_completed: true,
        data: step('A', 'x'),
        prescriptions: [],
      });
    }
    const { stream } = await there.read();
    const given: number[] = [];
    for await (const event of stream) if (event.type === 'message') given.push(...entryIds(event));
    expect(given).toEqual(Array.from({ length: 6 }, (_, i) => i + 1));
    expect(await here.projects.read('1')).toMatchObject({ status: 'FINISHED', backlog: 0 });
  });

  it('receives FINISHED even if the process that should announce the end has died', async () => {
    jest.useFakeTimers({ doNotFake: ['queueMicrotask', 'nextTick', 'setImmediate'] });
    try {
      const project = await started();
      const { stream } = await project.read();
      await next(stream);
      const end = next(stream);
      await project.store.change('1', [], (now) => ({ ...now, status: 'FINISHED' }));
      await jest.advanceTimersByTimeAsync(5000);
      expect((await end).data).toBe('FINISHED');
      await stream.return();
    } finally {
      jest.useRealTimers();
    }
  });
});
