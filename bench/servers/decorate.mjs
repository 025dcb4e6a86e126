/** Applies decorators as a compiler would: those of the parameters, then those of the method from the last on. */
export function decorate(type, method, decorators, parameters = []) {
  const target = type.prototype;
  for (const [index, decorator] of parameters.entries()) decorator(target, method, index);
  let descriptor = Object.getOwnPropertyDescriptor(target, method);
  for (const decorator of decorators.toReversed()) {
    descriptor = decorator(target, method, descriptor) ?? descriptor;
  }
  Object.defineProperty(target, method, descriptor);
}
