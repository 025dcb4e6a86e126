import { BadRequestException, Controller, Query, type INestApplication } from '@nestjs/common';
import { of } from 'rxjs';
import { Sse, SseConnections } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, eachWay, makeApp, until } from './adapters.js';

type Method = (...args: unknown[]) => unknown;

/** Like decorators that replace a method with another, and keep its metadata. */
function around(wrap: (method: () => unknown) => unknown): MethodDecorator {
  return (_target, _key, descriptor) => {
    const method = descriptor.value as Method;
    const wrapped = function (this: unknown, ...args: unknown[]): unknown {
      return wrap(() => method.apply(this, args));
    };
    for (const key of Reflect.getMetadataKeys(method) as string[]) {
      Reflect.defineMetadata(key, Reflect.getMetadata(key, method), wrapped);
    }
    (descriptor as PropertyDescriptor).value = wrapped;
  };
}

const Awaited = around(async (method) => await method());
const Twice = around(async (method) => {
  try {
    return await method();
  } catch {
    return await method();
  }
});

let calls = 0;

@Controller()
class Wrapped {
  @Awaited
  @Sse('above')
  *above(@Query('q') q: string) {
    yield q;
  }
  @Sse('below')
  @Awaited
  *below(@Query('q') q: string) {
    yield q;
  }
  @Twice
  @Sse('twice-above')
  twiceAbove(): never {
    throw new BadRequestException(`no ${++calls}`);
  }
  @Twice
  @Sse('later-above')
  async laterAbove(): Promise<never> {
    await Promise.resolve();
    throw new BadRequestException(`no ${++calls}`);
  }
  @Sse('twice-below')
  @Twice
  twiceBelow() {
    if (++calls === 1) throw new Error('once more');
    return of(calls);
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [Wrapped], setUp });
    });
    beforeEach(() => {
      calls = 0;
    });
    afterAll(closeApps);

    it.each(['/above', '/below'])(
      'a decorator can wrap the method, or the result of @Sse() (%s)',
      async (path) => {
        const stream = await openStream(app, `${path}?q=1`);
        expect((await stream.rest()).map(({ data }) => data)).toEqual(['1']);
      },
    );

    it('a decorator below @Sse() can call the method again', async () => {
      const stream = await openStream(app, '/twice-below');
      expect((await stream.rest()).map(({ data }) => data)).toEqual(['2']);
    });

    it.each(['/twice-above', '/later-above'])(
      'with a decorator above @Sse() that does so, an error is still that of the handler (%s)',
      async (path) => {
        const answer = await openStream(app, path);
        expect([answer.status, await answer.json()]).toMatchObject([
          400,
          { message: expect.stringMatching(/^no [12]$/) as string },
        ]);
        await until(() => app.get(SseConnections).count() === 0);
      },
    );
  }),
);
