import { HttpException } from '@nestjs/common';
import { STATUS, THROWN } from '../../test/fixtures/hostile-errors.js';
import { errorText, markPlace } from './error-text.js';
import { presentable, toHttpError, unloggedCause } from './http-error.js';
import { isLegible } from './legible.js';
import { isReported, isSseError, quoted } from './sse.errors.js';
import { errorBody, publicErrorOf } from './public-error.js';

describe.each(Object.keys(THROWN))('%s', (name) => {
  const make = THROWN[name] as () => unknown;

  it('has a status and a public response without secrets', () => {
    const status = STATUS[name] ?? 500;
    const { response } = publicErrorOf(make());
    expect(publicErrorOf(make()).status).toBe(status);
    expect(JSON.stringify(response)).not.toContain('secret');
    expect(errorBody(make()).statusCode).toBe(status);
    expect(JSON.stringify(errorBody(make()))).not.toContain('secret');
  });

  it('has a text for the log', () => {
    expect(errorText(make())).toMatch(/./);
    expect(quoted(make())).toMatch(/./);
    expect(() => markPlace(make(), 'C.d')).not.toThrow();
  });

  it('is inspected without an error or a change', () => {
    const thrown = make();
    expect([isSseError(thrown), isReported(thrown), unloggedCause(thrown)]).toEqual([
      false,
      false,
      undefined,
    ]);
    expect(toHttpError(thrown) === thrown || Number.isNaN(thrown)).toBe(true);
  });

  it('becomes an error that filters and loggers can read', () => {
    const error = presentable(make(), 'C.d');
    expect(isLegible(error)).toBe(true);
    if (!(error instanceof HttpException)) return;
    expect(error.getStatus()).toBe(STATUS[name]);
    expect(() => JSON.stringify(error.getResponse())).not.toThrow();
  });
});

it('errors of rxjs are logged with their message', () => {
  expect(errorText(THROWN['a TimeoutError of rxjs']?.())).toMatch(
    /^TimeoutError: Timeout has occurred\n\s+at /,
  );
  expect(errorText(THROWN['an EmptyError of rxjs']?.())).toMatch(
    /^EmptyError: no elements in sequence\n\s+at /,
  );
});

it('an error whose message was changed is logged with the new one', () => {
  const error = new TypeError('old');
  void error.stack;
  error.message = 'new';
  expect(errorText(error)).toMatch(/^TypeError: new\n\s+at /);
});
