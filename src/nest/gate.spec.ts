import 'reflect-metadata';
import { addGuardGate, addInterceptorGate, closeGate, isGate, openGate } from './gate.js';

const GUARDS = '__guards__';
const INTERCEPTORS = '__interceptors__';
const metadata = (key: string, target: object): unknown[] => Reflect.getMetadata(key, target) as unknown[];
const keeper = () => ({ canActivate: jestFn, intercept: jestFn });
const jestFn = (): never => {
  throw new Error('not called');
};

describe('the gate', () => {
  it('stands before all interceptors of a handler or a controller, once', () => {
    class Controller {}
    const own = keeper();
    Reflect.defineMetadata(INTERCEPTORS, [own], Controller);
    addInterceptorGate(Controller);
    addInterceptorGate(Controller);
    const [first, second, ...more] = metadata(INTERCEPTORS, Controller);
    expect([isGate(first), second === own, more]).toEqual([true, true, []]);
  });

  it('is no interceptor where there are none', () => {
    class Controller {}
    addInterceptorGate(Controller);
    expect(metadata(INTERCEPTORS, Controller)).toBeUndefined();
  });

  it('stands behind all guards of a handler, once, and where there are none', () => {
    const [guarded, free] = [jestFn.bind(undefined), jestFn.bind(undefined)];
    const own = keeper();
    Reflect.defineMetadata(GUARDS, [own], guarded);
    for (const handler of [guarded, guarded, free]) addGuardGate(handler);
    expect(metadata(GUARDS, guarded).map(isGate)).toEqual([false, true]);
    expect(metadata(GUARDS, free).map(isGate)).toEqual([true]);
  });

  it('leaves a base class as it was', () => {
    class Base {}
    class Derived extends Base {}
    Reflect.defineMetadata(INTERCEPTORS, [keeper()], Base);
    addInterceptorGate(Derived);
    expect([metadata(INTERCEPTORS, Base).length, metadata(INTERCEPTORS, Derived).length]).toEqual([1, 2]);
  });

  it('leads to the first gatekeeper of an application until that is closed', () => {
    const [first, second] = [keeper(), keeper()];
    const application = {};
    const leadsTo = (): unknown => Reflect.get(application, Symbol.for('nestjs-event-stream:gatekeeper'));
    expect(openGate(application, 'express', first)).toBe(true);
    openGate(application, 'express', second);
    closeGate(application, second);
    expect(leadsTo()).toBe(first);
    closeGate(application, first);
    expect(leadsTo()).toBeUndefined();
    openGate(application, 'express', second);
    expect(leadsTo()).toBe(second);
  });

  it('is not for frameworks of which it is not known where a request keeps its application', () => {
    expect(openGate({}, 'other', keeper())).toBe(false);
  });
});
