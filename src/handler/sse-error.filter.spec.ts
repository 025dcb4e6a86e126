import { jest } from '@jest/globals';
import { FAILING_CALLS } from '../../test/fixtures/failing-calls.js';
import { Logger, type ArgumentsHost } from '@nestjs/common';
import type { AbstractHttpAdapter } from '@nestjs/core';
import { SseError } from '../errors/sse.errors.js';
import { SseErrorFilter } from './sse-error.filter.js';

describe('SseErrorFilter', () => {
  afterEach(() => jest.restoreAllMocks());

  it.each(FAILING_CALLS)('answers also if the logger %s', async (_how, log) => {
    const error = jest.spyOn(Logger.prototype, 'error').mockImplementation(log as () => void);
    const replies: unknown[] = [];
    const adapter = {
      isHeadersSent: () => false,
      reply: (_response: unknown, body: unknown, status: number) => replies.push([status, body]),
    };
    const request = { method: 'POST', url: '/news' };
    const host = {
      getType: () => 'http',
      switchToHttp: () => ({ getRequest: () => request }),
      getArgByIndex: () => ({}),
    } as unknown as ArgumentsHost;
    const filter = new SseErrorFilter(adapter as unknown as AbstractHttpAdapter);
    filter.catch(new SseError('SSE_LOG_UNAVAILABLE', 'Redis is not available.'), host);
    await new Promise((resolve) => setImmediate(resolve));
    expect(replies).toEqual([[503, expect.objectContaining({ statusCode: 503 })]]);
    expect(error).toHaveBeenCalledWith(
      expect.stringContaining('POST /news: SseError: Redis is not available.'),
    );
  });
});
