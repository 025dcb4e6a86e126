import { closeReason } from './close-reasons.js';
import { isSseError } from './sse.errors.js';

describe('closeReason()', () => {
  const original = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit') as PropertyDescriptor;
  afterEach(() => void Object.defineProperty(Error, 'stackTraceLimit', original));

  it('is an error without a stack, and leaves the stacks of other errors as they were', () => {
    const reason = closeReason('SSE_CLIENT_GONE');
    expect(isSseError(reason, 'SSE_CLIENT_GONE')).toBe(true);
    expect(reason.message).toBe('The client has left.');
    expect(reason.stack).not.toMatch(/^\s+at /m);
    expect(Error.stackTraceLimit).toBe(original.value);
    expect(new Error('other').stack).toMatch(/^\s+at /m);
  });

  it('does not fail where the application has frozen Error, as node --frozen-intrinsics does', () => {
    Object.defineProperty(Error, 'stackTraceLimit', { ...original, writable: false });
    expect(closeReason('SSE_CLOSED').message).toBe('The connection was closed by the application.');
  });
});
