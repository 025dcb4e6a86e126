import {
  BadRequestException,
  Controller,
  Injectable,
  NotFoundException,
  Param,
  ParseIntPipe,
  UseInterceptors,
  type ExecutionContext,
  type INestApplication,
  type PipeTransform,
  type Type,
} from '@nestjs/common';
import { Sse, SseConnections, SseSignal, type SlotStore, type SseModuleOptions } from 'nestjs-event-stream';
import { postgresSlots } from 'nestjs-event-stream/postgres';
import { redisSlots } from 'nestjs-event-stream/redis';
import { openStream, type TestStream } from 'nestjs-event-stream/testing';
import { describePostgres, testSchema } from '../fixtures/postgres.js';
import { describeRedis, removeKeys, testPrefix } from '../fixtures/redis.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

interface Asked {
  headers: Record<string, string | undefined>;
}
const header = (name: string) => (context: ExecutionContext) =>
  context.switchToHttp().getRequest<Asked>().headers[name];
const userOf = header('x-user');
const projectOf = header('x-project');

let started: string[] = [];

async function* open(signal: AbortSignal, name = 'open') {
  started.push(name);
  yield name;
  await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

/** Rejects in a later turn. */
@Injectable()
class SlowRefusal implements PipeTransform<string> {
  async transform(value: string): Promise<string> {
    await new Promise(setImmediate);
    if (value === 'bad') throw new BadRequestException('No such id.');
    return value;
  }
}

const LATEST = { key: 'route', max: 1, status: 'replace' } as const;

@Controller()
class Places {
  @Sse('project', { limit: { key: userOf, max: 3 }, exclusive: projectOf })
  project(@SseSignal() signal: AbortSignal) {
    return open(signal);
  }
  @Sse('two', { limit: { key: 'route', max: 2 } })
  two(@SseSignal() signal: AbortSignal) {
    return open(signal);
  }
  @Sse('any', { limit: { key: userOf, max: 1 } })
  any(@SseSignal() signal: AbortSignal) {
    return open(signal);
  }
  @Sse('later-full', { limit: [LATEST, { key: userOf, max: 1 }] })
  laterFull(@SseSignal() signal: AbortSignal) {
    return open(signal);
  }
  @Sse('later-retry', { limit: [LATEST, { key: userOf, max: 1, status: 'retry', retryMs: 50 }] })
  laterRetry(@SseSignal() signal: AbortSignal) {
    return open(signal);
  }
  @Sse('process', {
    limit: [
      { ...LATEST, key: 'process' },
      { key: userOf, max: 1 },
    ],
  })
  process(@SseSignal() signal: AbortSignal) {
    return open(signal);
  }
  @Sse('piped/:id', { limit: LATEST })
  piped(@Param('id', SlowRefusal) id: string, @SseSignal() signal: AbortSignal) {
    return open(signal, id);
  }
  @UseInterceptors({ intercept: (_context, next) => next.handle() })
  @Sse('intercepted/:id', { limit: LATEST })
  intercepted(@Param('id', ParseIntPipe) id: number, @SseSignal() signal: AbortSignal) {
    return open(signal, `${id}`);
  }
  @Sse('throws/:id', { limit: LATEST })
  throws(@Param('id') id: string, @SseSignal() signal: AbortSignal) {
    if (id === 'bad') throw new NotFoundException();
    return open(signal, id);
  }
}

function named(path: string): Type {
  @Controller(path)
  class Named {
    @Sse('', { limit: { key: 'route', max: 1 } })
    stream(@SseSignal() signal: AbortSignal) {
      return open(signal);
    }
  }
  return Named;
}
const SAME_NAME = [named('named-0'), named('named-1')];

function suite(makeSlots: () => SlotStore | undefined): void {
  eachAdapter((adapter) => {
    let app: INestApplication;
    const streams: TestStream[] = [];

    async function make(sse: SseModuleOptions = {}): Promise<void> {
      started = [];
      const slots = makeSlots();
      app = await makeApp(adapter, {
        controllers: [Places, ...SAME_NAME],
        sse: { ...sse, ...(slots && { slots }) },
      });
    }
    async function ask(path: string, user?: string, project?: string): Promise<TestStream> {
      const headers = { ...(user && { 'x-user': user }), ...(project && { 'x-project': project }) };
      const stream = await openStream(app, path, { headers });
      streams.push(stream);
      return stream;
    }
    const statusOf = async (...args: Parameters<typeof ask>): Promise<number> => (await ask(...args)).status;
    const count = (): number => app.get(SseConnections).count();

    afterEach(async () => {
      for (const stream of streams.splice(0)) await stream.close();
      await closeApps();
    });

    describe('limits do not share places', () => {
      it('if their keys have the same text', async () => {
        await make();
        expect(await statusOf('/project', '7', '7')).toBe(200);
        expect(await statusOf('/project', '7', '8')).toBe(200);
        expect(await statusOf('/project', '7', '8')).toBe(429);
        expect(await statusOf('/project', '7', '9')).toBe(200);
        expect(await statusOf('/project', '7', '10')).toBe(429);
      });

      it('if one is on the module and one on the route', async () => {
        await make({ limit: { key: 'route', max: 2 } });
        for (const status of [200, 200, 429]) expect(await statusOf('/two')).toBe(status);
      });

      it('if several count the whole process', async () => {
        await make({
          limit: [
            { key: 'process', max: 4 },
            { key: 'process', max: 4 },
          ],
        });
        for (const user of ['a', 'b', 'c', 'd']) expect(await statusOf('/any', user)).toBe(200);
        expect(await statusOf('/any', 'e')).toBe(503);
      });

      it('if a text of the application looks like the key of another limit', async () => {
        await make({ limit: [{ key: userOf, max: 1 }] });
        expect(await statusOf('/project', 'a', 'x')).toBe(200);
        expect(await statusOf('/project', 'Places.project:exclusive:key:x')).toBe(200);
        expect(await statusOf('/project', 'b', 'x')).toBe(429);
      });

      it('if two controllers have the same name', async () => {
        await make();
        expect([await statusOf('/named-0'), await statusOf('/named-1')]).toEqual([200, 200]);
        expect([await statusOf('/named-0'), await statusOf('/named-1')]).toEqual([429, 429]);
      });
    });

    describe('a rejected request ends no other stream', () => {
      it.each([
        ['/later-full', 429],
        ['/process', 429],
        ['/later-retry', 200],
      ])('if a later limit of %s rejects it with %i', async (path, status) => {
        await make();
        const held = await ask(path, 'ada');
        await held.next();
        for (let i = 0; i < 3; i++) {
          const refused = await ask(path, 'ada');
          expect(refused.status).toBe(status);
          expect(await refused.end()).toBe('ended');
        }
        await until(() => count() === 1);
        const successor = await ask(path, 'bob');
        expect((await successor.next()).data).toBe('open');
        expect(await held.end()).toBe('ended');
        await until(() => count() === 1);
        expect(await statusOf(path, 'ada')).toBe(200);
      });

      it.each(['/piped', '/intercepted'])('if a pipe of %s rejects it', async (path) => {
        await make();
        const held = await ask(`${path}/1`);
        await held.next();
        for (let i = 0; i < 3; i++) expect(await statusOf(`${path}/bad`)).toBe(400);
        expect(count()).toBe(1);
        const successor = await ask(`${path}/2`);
        expect((await successor.next()).data).toBe('2');
        expect(await held.end()).toBe('ended');
        expect(started).toEqual(['1', '2']);
      });

      it('while another has taken its place, and its handler throws', async () => {
        await make();
        const held = await ask('/throws/1');
        await held.next();
        expect(await statusOf('/throws/bad')).toBe(404);
        expect(await held.end()).toBe('ended');
        expect(await statusOf('/throws/2')).toBe(200);
      });
    });

    it('if many requests arrive at once and each replaces the one before: one stays', async () => {
      await make();
      const all = await Promise.all(Array.from({ length: 8 }, (_, i) => ask(`/piped/${i}`)));
      await until(() => count() === 1);
      const alive = app.get(SseConnections).list();
      expect(alive.length).toBe(1);
      expect(all.map(({ status }) => status)).toEqual(all.map(() => 200));
    });
  });
}

describe('in one process', () => suite(() => undefined));

await describeRedis('over Redis', (url) => {
  const prefix = testPrefix();
  let apps = 0;
  afterAll(() => removeKeys(url, prefix));
  suite(() => redisSlots({ client: url, prefix: `${prefix}${apps++}:` }));
});

await describePostgres('over PostgreSQL', (url) => {
  const schema = testSchema();
  suite(() => postgresSlots({ client: url, schema, createSchema: true }));
});
