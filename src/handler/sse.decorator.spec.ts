import 'reflect-metadata';
import { Header, HttpCode, Param, Post, RequestMethod, SetMetadata, UseGuards } from '@nestjs/common';
import { routeOptionsOf } from '../nest/sse.metadata.js';
import { Sse, SseDefaults } from './sse.decorator.js';

const meta = (key: string, method: object): unknown => Reflect.getMetadata(key, method) as unknown;

class Guard {
  canActivate(): boolean {
    return true;
  }
}

class Routes {
  readonly prefix = 'job ';

  @Sse('one/:id', { heartbeat: 5 })
  async *one(@Param('id') id: string, last = 'none') {
    yield this.prefix + id;
    yield last;
  }

  @Sse({ method: RequestMethod.POST })
  post(): string[] {
    return ['a'];
  }

  @Sse()
  root(): string[] {
    return [];
  }

  @Sse(['a', 'b'])
  several(): string[] {
    return [];
  }

  @UseGuards(Guard)
  @SetMetadata('above', 1)
  @HttpCode(202)
  @Sse('decorated')
  @SetMetadata('below', 2)
  @Header('X-Below', 'yes')
  decorated(): string[] {
    return [];
  }

  @Sse('code-below')
  @HttpCode(203)
  codeBelow(): string[] {
    return [];
  }

  @Post('not-ours')
  notOurs(): string[] {
    return [];
  }
}

describe('@Sse()', () => {
  const routes = new Routes();

  it('makes a route from its path and method', () => {
    expect([meta('path', routes.one), meta('method', routes.one)]).toEqual(['one/:id', RequestMethod.GET]);
    expect([meta('path', routes.post), meta('method', routes.post)]).toEqual(['/', RequestMethod.POST]);
    expect([meta('path', routes.root), meta('method', routes.root)]).toEqual(['/', RequestMethod.GET]);
    expect(meta('path', routes.several)).toEqual(['a', 'b']);
  });

  it('stores the options on the route, and changes nothing else', () => {
    expect(routeOptionsOf(routes.one)).toEqual({ heartbeat: 5 });
    expect(routeOptionsOf(routes.root)).toEqual({});
    expect(routeOptionsOf(routes.notOurs)).toBeUndefined();
  });

  it("keeps the method's name, and the metadata of decorators above and below", () => {
    expect(routes.one.name).toBe('one');
    expect(meta('above', routes.decorated)).toBe(1);
    expect(meta('below', routes.decorated)).toBe(2);
    expect(meta('__guards__', routes.decorated)).toEqual([Guard]);
    expect(meta('__headers__', routes.decorated)).toEqual([{ name: 'X-Below', value: 'yes' }]);
    expect(meta('__httpCode__', routes.decorated)).toBe(202);
    expect(meta('__httpCode__', routes.codeBelow)).toBe(203);
    expect(meta('__httpCode__', routes.post)).toBe(200);
  });

  it('keeps the method callable, for unit tests of the controller', async () => {
    const values: unknown[] = [];
    for await (const value of routes.one('7')) values.push(value);
    for await (const value of routes.one('8', '3')) values.push(value);
    expect(values).toEqual(['job 7', 'none', 'job 8', '3']);
    expect(routes.post()).toEqual(['a']);
  });

  it('reports a missing import of the module when a request arrives', () => {
    const response = { end: (): void => undefined };
    const call = (): unknown => Reflect.apply(routes.one, routes, ['7', undefined, response]) as unknown;
    expect(call).toThrow(
      expect.objectContaining({
        code: 'SSE_MODULE_MISSING',
        message:
          'Routes.one is an @Sse() route, but SseModule was not imported. ' +
          'Add SseModule.forRoot() to the imports of the root module.',
      }) as Error,
    );
  });
});

describe('@SseDefaults()', () => {
  it('stores options on the class', () => {
    @SseDefaults({ heartbeat: false })
    class Controller {}
    const [key] = Reflect.getMetadataKeys(Controller) as symbol[];
    expect(Reflect.getMetadata(key, Controller)).toEqual({ heartbeat: false });
  });
});
