import { NotFoundException } from '@nestjs/common';
import { ratError } from './rat-events.js';

describe('ratError', () => {
  it('makes an event without a name, so that onmessage receives it', () => {
    expect(ratError(new NotFoundException('No such log.'))).toMatchObject({
      type: undefined,
      id: undefined,
      data: { type: 'error', message: 'No such log.' },
    });
  });

  it('hides messages that were not written for clients', () => {
    for (const error of [new Error('password=1'), 'password=1', undefined]) {
      expect(ratError(error).data).toEqual({ type: 'error', message: 'Internal server error' });
    }
  });
});
