import 'reflect-metadata';
import { addGate, closeGate, hasInterceptors, openGate } from './gate.js';

const KEY = '__interceptors__';
const metadata = (target: object): unknown[] => Reflect.getMetadata(KEY, target) as unknown[];
const interceptor = () => ({ intercept: jestFn });
const jestFn = (): never => {
  throw new Error('not called');
};

describe('the gate', () => {
  it('stands before all interceptors of a handler or a controller, once', () => {
    class Controller {}
    const own = interceptor();
    Reflect.defineMetadata(KEY, [own], Controller);
    addGate(Controller);
    addGate(Controller);
    expect(metadata(Controller)).toHaveLength(2);
    expect(metadata(Controller)[1]).toBe(own);
    expect(hasInterceptors(Controller)).toBe(true);
  });

  it('is no interceptor of the application', () => {
    const handler = (): void => undefined;
    addGate(handler);
    expect([metadata(handler).length, hasInterceptors(handler)]).toEqual([1, false]);
  });

  it('leaves a base class as it was', () => {
    class Base {}
    class Derived extends Base {}
    Reflect.defineMetadata(KEY, [interceptor()], Base);
    addGate(Derived);
    expect([metadata(Base).length, metadata(Derived).length]).toEqual([1, 2]);
  });

  it('leads to the first interceptor of an application until that is closed', () => {
    const [first, second] = [interceptor(), interceptor()];
    const application = {};
    const leadsTo = (): unknown => Reflect.get(application, Symbol.for('nestjs-event-stream:interceptor'));
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
    expect(openGate({}, 'other', interceptor())).toBe(false);
  });
});
