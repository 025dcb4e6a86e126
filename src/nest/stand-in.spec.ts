import 'reflect-metadata';
import { addGuard, addInterceptor, removeGuard, isStandIn, installGuard } from './stand-in.js';

const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
const metadata = (key: string, target: object): unknown[] => Reflect.getMetadata(key, target) as unknown[];
const guard = () => ({ canActivate: jestFn, intercept: jestFn });
const jestFn = (): never => {
  throw new Error('not called');
};

describe('the stand-in of the guard', () => {
  it('is added once before the interceptors of a handler or a controller', () => {
    class Controller {}
    const own = guard();
    Reflect.defineMetadata(INTERCEPTORS, [own], Controller);
    addInterceptor(Controller);
    addInterceptor(Controller);
    const [first, second, ...more] = metadata(INTERCEPTORS, Controller);
    expect([isStandIn(first), second === own, more]).toEqual([true, true, []]);
  });

  it('is not added if there are no interceptors', () => {
    class Controller {}
    addInterceptor(Controller);
    expect(metadata(INTERCEPTORS, Controller)).toBeUndefined();
  });

  it('is added once after the guards of a handler, and also without guards', () => {
    const [guarded, free] = [jestFn.bind(undefined), jestFn.bind(undefined)];
    const own = guard();
    Reflect.defineMetadata(GUARDS, [own], guarded);
    for (const handler of [guarded, guarded, free]) addGuard(handler);
    expect(metadata(GUARDS, guarded).map(isStandIn)).toEqual([false, true]);
    expect(metadata(GUARDS, free).map(isStandIn)).toEqual([true]);
  });

  it('does not change the metadata of a base class', () => {
    class Base {}
    class Derived extends Base {}
    Reflect.defineMetadata(INTERCEPTORS, [guard()], Base);
    addInterceptor(Derived);
    expect([metadata(INTERCEPTORS, Base).length, metadata(INTERCEPTORS, Derived).length]).toEqual([1, 2]);
  });

  it('finds the first guard of an application until that is removed', () => {
    const [first, second] = [guard(), guard()];
    const application = {};
    const leadsTo = (): unknown => Reflect.get(application, Symbol.for('nestjs-event-stream:guard'));
    expect(installGuard(application, 'express', first)).toBe(true);
    installGuard(application, 'express', second);
    removeGuard(application, second);
    expect(leadsTo()).toBe(first);
    removeGuard(application, first);
    expect(leadsTo()).toBeUndefined();
    installGuard(application, 'express', second);
    expect(leadsTo()).toBe(second);
  });

  it('is not used with frameworks other than Express and Fastify', () => {
    expect(installGuard({}, 'other', guard())).toBe(false);
  });
});
