import { Controller, Get, Param, Query, Res, Sse as NestSse, type INestApplication } from '@nestjs/common';
import { of, type Observable } from 'rxjs';
import { Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

/** The part of a framework's response that is used here. */
interface AnyResponse {
  header(name: string, value: string): unknown;
}

/** The routes that feeds share. */
abstract class Feed {
  @Sse('stream/:id')
  *stream(@Param('id') id: string): Iterable<unknown> {
    yield `${id} of ${this.constructor.name}`;
  }
  @Sse('list/:id')
  list(@Param('id') id: string): unknown {
    return of(id);
  }
  @Sse('passthrough/:id')
  passthrough(@Param('id') id: string, @Res({ passthrough: true }) response: AnyResponse): unknown {
    response.header('x-id', id);
    return of(id);
  }
}

@Controller('inherits')
class Inherits extends Feed {}

@Controller('streams')
class Streams extends Feed {
  @Sse('stream/:id')
  override *stream(@Param('id') id: string, @Query('q') q?: string): Iterable<unknown> {
    yield* super.stream(id);
    yield { q, given: arguments.length };
  }
}

@Controller('answers')
class Answers extends Feed {
  @Get('list/:id')
  override list(@Param('id') id: string): unknown {
    return { id, given: arguments.length };
  }
  @Get('passthrough/:id')
  override passthrough(id: string, response: AnyResponse): unknown {
    response.header('x-id', id);
    return { id, given: arguments.length };
  }
}
@Controller('inherits-answer')
class InheritsAnswer extends Answers {}

@Controller('streams-again')
class StreamsAgain extends Answers {
  @Sse('list/:id')
  override *list(): Iterable<unknown> {
    yield arguments.length;
  }
}

@Controller('nest')
class NestStreams extends Feed {
  @NestSse('list/:id')
  override list(): Observable<{ data: string }> {
    return of({ data: `nest ${arguments.length}` });
  }
}

@Controller('hides')
class Hides extends Feed {
  override *stream(): Iterable<unknown> {
    yield 'no route';
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    beforeAll(async () => {
      const controllers = [Inherits, Streams, Answers, InheritsAnswer, StreamsAgain, NestStreams, Hides];
      app = await makeApp(adapter, { controllers, setUp });
    });
    afterAll(closeApps);

    const data = async (path: string): Promise<string[]> =>
      (await (await openStream(app, path)).rest()).map((event) => event.data);

    it('an inherited stream belongs to each controller', async () => {
      expect(await data('/inherits/stream/1')).toEqual(['1 of Inherits']);
      expect(await data('/answers/stream/1')).toEqual(['1 of Answers']);
    });

    it('a stream that overrides another has its own parameters, and can call the other', async () => {
      expect(await data('/streams/stream/1?q=2')).toEqual(['1 of Streams', '{"q":"2","given":2}']);
    });

    it.each(['/answers', '/inherits-answer'])(
      'an ordinary route can override a stream (%s)',
      async (where) => {
        const answer = await openStream(app, `${where}/list/1`);
        expect([answer.status, await answer.json()]).toEqual([200, { id: '1', given: 1 }]);
      },
    );

    it.each(['/answers', '/inherits-answer'])(
      'an ordinary route inherits passthrough from the stream that it overrides (%s)',
      async (where) => {
        const answer = await openStream(app, `${where}/passthrough/1`);
        expect([answer.status, await answer.json()]).toEqual([200, { id: '1', given: 2 }]);
        expect(answer.headers['x-id']).toBe('1');
      },
    );

    it('a stream can override an ordinary route that overrides a stream', async () => {
      expect(await data('/streams-again/list/1')).toEqual(['1']);
    });

    it("Nest's @Sse() can override a stream, which then is not ours", async () => {
      expect(await data('/nest/list/1')).toEqual(['nest 1']);
    });

    it('a method without a decorator that overrides a stream is not a route', async () => {
      expect((await openStream(app, '/hides/stream/1')).status).toBe(404);
    });
  }),
);
