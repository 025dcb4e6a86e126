import type { SseEvent } from 'nestjs-event-stream';
import type { Entry } from './backlog.js';
import type { CaseEvent } from './event-log.js';
import { Prescriber } from './prescriber.js';
import { Project } from './project.js';

const step = (case_id: string, activity: string): CaseEvent => ({
  case_id,
  activity,
  timestamp: '2023-01-02T08:00:00Z',
});
const prescriber = new Prescriber(Array(10).fill(['Open', 'Work', 'Close'].map((name) => step('A', name))));
const NOW = Date.UTC(2023, 2, 5, 6, 4, 54) + 698.763;

const started = (): Project => {
  const project = new Project(7, 'Loans', prescriber, () => NOW);
  project.start('STREAMING');
  return project;
};
const read = (project: Project, lastEventId?: string) => {
  const leave = new AbortController();
  return { stream: project.read(leave.signal, lastEventId), leave };
};
const next = async (stream: AsyncGenerator<SseEvent, void>): Promise<SseEvent> => {
  const { value } = await stream.next();
  if (!value) throw new Error('The stream is over.');
  return value;
};
const entries = (event: SseEvent): Entry[] => event.data as Entry[];
const entryIds = (event: SseEvent): number[] => entries(event).map(({ id }) => id);

describe('Project', () => {
  it('greets a reader, then gives the backlog as one list', async () => {
    const project = started();
    project.record(step('A', 'Open'), false);
    project.record(step('A', 'Close'), true);
    const { stream } = read(project);
    expect(await next(stream)).toMatchObject({ type: 'notification', id: '0', data: 'CONNECTED' });
    const batch = await next(stream);
    expect(batch.type).toBe('message');
    expect(batch.data).toEqual([
      {
        id: 1,
        timestamp: '2023-03-05 06:04:54.698763',
        case_completed: false,
        data: step('A', 'Open'),
        prescriptions: [
          {
            id: 1,
            datetime: '2023-03-05 06:04:54.698763',
            type: 'NEXT_ACTIVITY',
            output: 'Work',
            plugin: prescriber.plugin,
          },
        ],
      },
      {
        id: 2,
        timestamp: '2023-03-05 06:04:54.698763',
        case_completed: true,
        data: step('A', 'Close'),
        prescriptions: [],
      },
    ]);
  });

  it('sends what comes while a reader waits', async () => {
    const project = started();
    const { stream } = read(project);
    await next(stream);
    const waiting = next(stream);
    project.record(step('A', 'Open'), false);
    expect(entryIds(await waiting)).toEqual([1]);
  });

  it('delivers what waits and says FINISHED when it stops', async () => {
    const project = started();
    const { stream } = read(project);
    await next(stream);
    project.record(step('A', 'Open'), false);
    project.stop();
    const batch = await next(stream);
    const last = await next(stream);
    expect(entryIds(batch)).toEqual([1]);
    expect(last).toMatchObject({ type: 'notification', data: 'FINISHED' });
    expect(Number(last.id)).toBeGreaterThan(Number(batch.id));
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('tells the reader of a run that stopped even if the next one has begun already', async () => {
    const project = started();
    const { stream } = read(project);
    await next(stream);
    project.stop();
    project.start('STREAMING');
    expect(await next(stream)).toMatchObject({ data: 'FINISHED' });
  });

  it('keeps the batch that a reader left without taking for the next one', async () => {
    const project = started();
    project.record(step('A', 'Open'), false);
    const first = read(project);
    await next(first.stream);
    const lost = await next(first.stream);
    first.leave.abort();
    await first.stream.return();
    project.record(step('A', 'Work'), false);

    const second = read(project);
    await next(second.stream);
    const batch = await next(second.stream);
    expect(entryIds(batch)).toEqual([1, 2]);
    expect(Number(batch.id)).toBeGreaterThan(Number(lost.id));
  });

  it('gives a batch that was taken to nobody else', async () => {
    const project = started();
    project.record(step('A', 'Open'), false);
    const first = read(project);
    await next(first.stream);
    await next(first.stream);
    const waiting = first.stream.next();
    first.leave.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });

    project.record(step('A', 'Work'), false);
    const second = read(project);
    await next(second.stream);
    expect(entryIds(await next(second.stream))).toEqual([2]);
  });

  it('sends a reader that comes back what it had not seen by its Last-Event-ID', async () => {
    const project = started();
    const first = read(project);
    await next(first.stream);
    project.record(step('A', 'Open'), false);
    const seen = await next(first.stream);
    project.record(step('A', 'Work'), false);
    await next(first.stream);
    const waiting = first.stream.next();
    first.leave.abort();
    await waiting;

    const again = read(project, seen.id);
    await next(again.stream);
    expect(entryIds(await next(again.stream))).toEqual([2]);
  });

  it('takes a Last-Event-ID that is not one of its own for none', async () => {
    const project = started();
    project.record(step('A', 'Open'), false);
    const { stream } = read(project, 'nonsense');
    await next(stream);
    expect(entryIds(await next(stream))).toEqual([1]);
  });

  it('prescribes from what happened in the same case only', async () => {
    const project = started();
    project.record(step('A', 'Open'), false);
    project.record(step('B', 'Open'), false);
    project.record(step('A', 'Work'), false);
    const { stream } = read(project);
    await next(stream);
    const outputs = entries(await next(stream)).map(({ prescriptions }) => prescriptions[0]?.output);
    expect(outputs).toEqual(['Work', 'Work', 'Close']);
  });
});
