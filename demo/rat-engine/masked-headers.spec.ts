import { maskedHeaders } from './masked-headers.js';

describe('maskedHeaders', () => {
  it.each([
    'authorization',
    'proxy-authorization',
    'cookie',
    'set-cookie',
    'x-access-token',
    'x-csrf-token',
    'x-client-secret',
    'x-api-key',
    'apikey',
    'x-password',
    'x-amz-signature',
  ])('hides the value of %s', (name) => {
    expect(maskedHeaders({ [name]: 'Bearer abc' })).toEqual({ [name]: '***' });
  });

  it('shows all other headers unchanged', () => {
    const headers = { host: 'localhost', accept: '*/*', 'user-agent': 'curl/8', 'x-request-id': 'abc' };
    expect(maskedHeaders(headers)).toEqual(headers);
  });
});
