import './demo-speed.js';
import type { INestApplication } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { openStream, type TestEvent, type TestStream } from 'nestjs-event-stream/testing';
import type { Entry } from '../../demo/prcore/entry.js';
import { PrCoreModule } from '../../demo/prcore/prcore.module.js';
import type { ProjectView } from '../../demo/prcore/project.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';
import { ask } from './ask.js';
import { closeStockClients, followWithStockClient } from './stock-client.js';

const RESULT = '/project/1/stream/result';
const TIME = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6}`;
const CONNECTED = ':\nevent: notification\nid: 0\ndata: CONNECTED\n\n';

/** A project whose events come only from the test. */
async function streaming(app: INestApplication): Promise<void> {
  await ask(app, 'POST', '/project');
  expect((await ask(app, 'PUT', '/project/1/start/streaming')).status).toBe(200);
}

async function record(app: INestApplication, ...activities: string[]): Promise<void> {
  for (const activity of activities) {
    const answer = await ask(app, 'POST', '/project/1/event', { case_id: 'L1', activity });
    expect(answer.status).toBe(201);
  }
}

const entries = (event: TestEvent): Entry[] => event.json<Entry[]>();
const activities = (event: TestEvent): string[] => entries(event).map(({ data }) => data.activity);
const idOf = (event: TestEvent): number => Number(event.id);

/** Opens the next reader as soon as it is admitted. */
async function entered(app: INestApplication, lastEventId?: string): Promise<TestStream> {
  for (;;) {
    const stream = await openStream(app, RESULT, lastEventId === undefined ? {} : { lastEventId });
    if (stream.status === 200) return stream;
    expect(stream.status).toBe(400);
    await stream.end();
  }
}

describe('PrCore', () => {
  eachAdapter((adapter) => {
    const demo = () => makeApp(adapter, { imports: [PrCoreModule] });
    afterEach(closeStockClients);
    afterEach(closeApps);

    describe('a project', () => {
      it('is created, runs, is finished, and may run again', async () => {
        const app = await demo();
        const created = await ask(app, 'POST', '/project', { name: 'Loans' });
        expect(created).toEqual({
          status: 201,
          body: { id: 1, name: 'Loans', status: 'CREATED', backlog: 0 },
        });
        const steps = [
          ['PUT', '/project/1/start/simulating', 'SIMULATING'],
          ['PUT', '/project/1/stop', 'FINISHED'],
          ['PUT', '/project/1/start/streaming', 'STREAMING'],
          ['PUT', '/project/1/stop', 'FINISHED'],
          ['PUT', '/project/1/start/simulating', 'SIMULATING'],
          ['GET', '/project/1', 'SIMULATING'],
        ] as const;
        for (const [method, path, status] of steps) {
          expect(await ask(app, method, path)).toMatchObject({ status: 200, body: { id: 1, status } });
        }
      });

      it('has a default name', async () => {
        const app = await demo();
        await ask(app, 'POST', '/project');
        expect((await ask<ProjectView>(app, 'POST', '/project', {})).body.name).toBe('Project 2');
      });

      it.each([
        ['malformed JSON', '{"name":'],
        ['a list', []],
        ['a name that is no string', { name: 7 }],
        ['an empty name', { name: '' }],
        ['a name beyond 200 characters', { name: 'x'.repeat(201) }],
      ])('is not created from %s', async (_, body) => {
        const app = await demo();
        expect(await ask(app, 'POST', '/project', body)).toMatchObject({
          status: 400,
          body: { statusCode: 400, message: expect.any(String) },
        });
        expect((await ask(app, 'GET', '/project/1')).status).toBe(404);
      });

      it.each([
        ['GET', '/project/1'],
        ['PUT', '/project/1/start/simulating'],
        ['PUT', '/project/1/start/streaming'],
        ['PUT', '/project/1/stop'],
        ['POST', '/project/1/event'],
        ['GET', RESULT],
        ['GET', '/project/constructor/stream/result'],
      ])('is a 404 if it does not exist: %s %s', async (method, path) => {
        const { status, body } = await ask(await demo(), method, path);
        expect({ status, body }).toMatchObject({
          status: 404,
          body: { statusCode: 404, error: 'Not Found' },
        });
        expect(body['message']).toMatch(/^There is no project "(1|constructor)"\.$/);
      });

      it('rejects an invalid change of status', async () => {
        const app = await demo();
        await ask(app, 'POST', '/project');
        expect(await ask(app, 'PUT', '/project/1/stop')).toMatchObject({
          status: 400,
          body: { message: 'Project 1 is CREATED; for this it must be STREAMING or SIMULATING.' },
        });
        await ask(app, 'PUT', '/project/1/start/simulating');
        for (const path of ['/project/1/start/simulating', '/project/1/start/streaming']) {
          expect(await ask(app, 'PUT', path)).toMatchObject({
            status: 400,
            body: { message: 'Project 1 is SIMULATING; for this it must be CREATED or FINISHED.' },
          });
        }
        expect((await ask(app, 'POST', '/project/1/event', { case_id: 'A', activity: 'B' })).status).toBe(
          400,
        );
      });

      it.each([
        ['no case', { activity: 'Assess risk' }],
        ['an activity that is no string', { case_id: 'L1', activity: 3 }],
        ['a flag that is no boolean', { case_id: 'L1', activity: 'Archive case', case_completed: 'yes' }],
        ['no JSON', '<event/>'],
      ])('rejects an event with %s', async (_, body) => {
        const app = await demo();
        await streaming(app);
        expect((await ask(app, 'POST', '/project/1/event', body)).status).toBe(400);
      });
    });

    describe('its stream', () => {
      it.each([
        ['CREATED', []],
        ['FINISHED', ['start/simulating', 'stop']],
      ])('is rejected with 400 while the project is %s', async (status, steps) => {
        const app = await demo();
        await ask(app, 'POST', '/project');
        for (const step of steps) await ask(app, 'PUT', `/project/1/${step}`);
        expect(await ask(app, 'GET', RESULT)).toEqual({
          status: 400,
          body: {
            statusCode: 400,
            error: 'Bad Request',
            message: `Project 1 is ${status}; for this it must be STREAMING or SIMULATING.`,
          },
        });
      });

      it('begins with CONNECTED, carries each batch as a JSON list, and ends with FINISHED, byte for byte', async () => {
        const app = await demo();
        await streaming(app);
        const stream = await openStream(app, RESULT);
        expect(stream.status).toBe(200);
        expect(stream.headers['content-type']).toBe('text/event-stream');
        await stream.next('notification');
        await record(app, 'Submit application');
        await stream.next('message');
        await ask(app, 'PUT', '/project/1/stop');
        expect(await stream.end()).toBe('ended');
        const withoutPings = stream.raw().replaceAll(/event: ping\nid: \d+\ndata: [^\n]*\n\n/g, '');
        expect(withoutPings.startsWith(CONNECTED)).toBe(true);
        expect(withoutPings.slice(CONNECTED.length)).toMatch(
          /^event: message\nid: \d+\ndata: \[\{.*\}\]\n\nevent: notification\nid: \d+\ndata: FINISHED\n\n$/,
        );
      });

      it('describes an entry and its prescription in full', async () => {
        const app = await demo();
        await streaming(app);
        await ask(app, 'POST', '/project/1/event', {
          case_id: 'L1',
          activity: 'Request documents',
          timestamp: '2023-03-05T06:04:54Z',
          resource: 'clerk1',
        });
        const stream = await openStream(app, RESULT);
        const share = expect.any(Number);
        expect(entries(await stream.next('message'))).toEqual([
          {
            id: 1,
            timestamp: expect.stringMatching(`^${TIME}$`),
            case_completed: false,
            data: {
              case_id: 'L1',
              activity: 'Request documents',
              timestamp: '2023-03-05T06:04:54Z',
              resource: 'clerk1',
            },
            prescriptions: [
              {
                id: 1,
                datetime: expect.stringMatching(`^${TIME}$`),
                type: 'NEXT_ACTIVITY',
                output: 'Receive documents',
                plugin: {
                  name: expect.any(String),
                  description: expect.any(String),
                  accuracy: share,
                  precision: share,
                  recall: share,
                },
              },
            ],
          },
        ]);
        await stream.close();
      });

      it('prescribes nothing for a case that is completed', async () => {
        const app = await demo();
        await streaming(app);
        await ask(app, 'POST', '/project/1/event', {
          case_id: 'L1',
          activity: 'Archive case',
          case_completed: true,
        });
        const stream = await openStream(app, RESULT);
        expect(entries(await stream.next('message'))).toMatchObject([
          { case_completed: true, prescriptions: [] },
        ]);
        await stream.close();
      });

      it('sends the events from before the connection as one list', async () => {
        const app = await demo();
        await streaming(app);
        await record(app, 'Submit application', 'Check completeness', 'Verify income');
        expect((await ask(app, 'GET', '/project/1')).body['backlog']).toBe(3);
        const stream = await openStream(app, RESULT);
        expect(activities(await stream.next('message'))).toEqual([
          'Submit application',
          'Check completeness',
          'Verify income',
        ]);
        expect((await ask(app, 'GET', '/project/1')).body['backlog']).toBe(0);
        await stream.close();
      });

      it('pings with an id and the time in UTC, also while messages flow', async () => {
        const app = await demo();
        await streaming(app);
        const stream = await openStream(app, RESULT);
        for (let i = 0; i < 3; i++) {
          await record(app, 'Assess risk');
          const ping = await stream.next('ping');
          expect(ping.id).toMatch(/^\d+$/);
          expect(ping.data).toMatch(new RegExp(`^${TIME}$`));
          expect(Math.abs(Date.parse(`${ping.data.replace(' ', 'T')}Z`) - Date.now())).toBeLessThan(10_000);
        }
        await stream.close();
      });

      it('has increasing IDs within the project: over pings, messages and readers', async () => {
        const app = await demo();
        await streaming(app);
        const seen: TestEvent[] = [];
        for (let reader = 0; reader < 2; reader++) {
          const stream = await entered(app);
          expect(await stream.next()).toMatchObject({ type: 'notification', id: '0', data: 'CONNECTED' });
          await record(app, 'Assess risk');
          seen.push(await stream.next('message'), await stream.next('ping'), await stream.next('ping'));
          await stream.close();
        }
        const ids = seen.map(idOf);
        expect(ids).toEqual([...ids].sort((a, b) => a - b));
        expect(new Set(ids).size).toBe(6);
      });
    });

    describe('its only reader', () => {
      it('blocks a second reader with 400, and admits the next one after it has left', async () => {
        const app = await demo();
        await streaming(app);
        const first = await openStream(app, RESULT);
        await first.next('notification');
        expect(await ask(app, 'GET', RESULT)).toEqual({
          status: 400,
          body: { statusCode: 400, error: 'Bad Request', message: expect.any(String) },
        });
        await first.next('ping');
        await first.close();
        const second = await entered(app);
        expect(await second.next()).toMatchObject({ data: 'CONNECTED' });
        await second.close();
      });

      it('does not block the reader of another project, and keeps its place when another reader is rejected', async () => {
        const app = await demo();
        await streaming(app);
        await ask(app, 'POST', '/project');
        expect((await ask(app, 'GET', '/project/2/stream/result')).status).toBe(400);
        await ask(app, 'PUT', '/project/2/start/streaming');
        const [first, second] = [
          await openStream(app, RESULT),
          await openStream(app, '/project/2/stream/result'),
        ];
        expect([first.status, second.status]).toEqual([200, 200]);
        await Promise.all([first.close(), second.close()]);
      });

      it('leaves the undelivered events to the next reader', async () => {
        const app = await demo();
        await streaming(app);
        const first = await openStream(app, RESULT);
        await record(app, 'Submit application');
        await first.next('message');
        await first.close();
        await until(() => app.get(SseConnections).count() === 0, 'the end of the first connection');
        await record(app, 'Check completeness', 'Verify income');
        const second = await entered(app);
        expect(activities(await second.next('message'))).toEqual(['Check completeness', 'Verify income']);
        await second.close();
      });

      it('gets the events after its last event ID again', async () => {
        const app = await demo();
        await streaming(app);
        const first = await openStream(app, RESULT);
        await record(app, 'Submit application');
        const seen = await first.next('message');
        await record(app, 'Check completeness');
        await first.next('message');
        await first.close();
        const again = await entered(app, seen.id);
        expect(activities(await again.next('message'))).toEqual(['Check completeness']);
        await again.close();
      });
    });

    describe('a simulation', () => {
      it('streams every event of the held-out cases once, in order, and ends', async () => {
        const app = await demo();
        await ask(app, 'POST', '/project');
        await ask(app, 'PUT', '/project/1/start/simulating');
        const stream = await openStream(app, RESULT);
        const events = await stream.rest();
        expect(events.at(-1)).toMatchObject({ type: 'notification', data: 'FINISHED' });
        const all = events.filter(({ type }) => type === 'message').flatMap(entries);
        expect(all.map(({ id }) => id)).toEqual(Array.from({ length: 898 }, (_, i) => i + 1));
        expect(all.filter((entry) => entry.case_completed)).toHaveLength(84);
        const right = all.filter((entry, index) => {
          const next = all.slice(index + 1).find(({ data }) => data.case_id === entry.data.case_id);
          return next !== undefined && entry.prescriptions[0]?.output === next.data.activity;
        });
        // The plugin reports figures that a reader can verify.
        expect(right.length / (898 - 84)).toBeCloseTo(all[0]?.prescriptions[0]?.plugin.accuracy ?? 0, 4);
        expect((await ask(app, 'GET', '/project/1')).body['status']).toBe('FINISHED');
      });

      it('sends FINISHED to a stock EventSource, which does not reconnect in a loop', async () => {
        const app = await demo();
        await ask(app, 'POST', '/project');
        await ask(app, 'PUT', '/project/1/start/simulating');
        const client = followWithStockClient(`${await app.getUrl()}${RESULT}`, ['notification']);
        await until(() => client.events.length > 3, 'messages');
        await ask(app, 'PUT', '/project/1/stop');
        await client.closed();
        expect(client.statuses).toEqual([undefined, 204]);
        const notifications = client.events.filter(({ type }) => type === 'notification');
        expect(notifications.map(({ data }) => data)).toEqual(['CONNECTED', 'FINISHED']);
      }, 10_000);

      it('never blocks the routes beside it', async () => {
        const app = await demo();
        const readers: TestStream[] = [];
        for (let id = 1; id <= 5; id++) {
          await ask(app, 'POST', '/project');
          await ask(app, 'PUT', `/project/${id}/start/simulating`);
          readers.push(await openStream(app, `/project/${id}/stream/result`));
        }
        for (const reader of readers) await reader.next('message');
        for (let i = 0; i < 20; i++) expect((await ask(app, 'GET', '/project/1')).status).toBe(200);
        for (const reader of readers) {
          expect((await reader.next('message')).type).toBe('message');
          await reader.close();
        }
      });

      it('does not delay the shutdown of the application', async () => {
        const app = await demo();
        await ask(app, 'POST', '/project');
        await ask(app, 'PUT', '/project/1/start/simulating');
        const stream = await openStream(app, RESULT);
        await stream.next('message');
        await app.close();
        expect(await stream.end()).toBe('ended');
        // The client must reconnect to the next process, so it is not told that the stream is finished.
        expect(stream.raw()).not.toContain('FINISHED');
        expect(stream.raw()).toMatch(/retry: \d+\n\n/);
      });
    });
  });
});
