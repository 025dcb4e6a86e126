import { requestHeaders } from './request-headers.js';

describe('the headers of one attempt', () => {
  it('are bytes in Latin-1 clothes where the id is not ASCII', async () => {
    const headers = await requestHeaders({ headers: {}, json: false }, 'ü');
    expect(headers.get('Last-Event-ID')).toBe('Ã¼');
  });

  it('refuse what no header can carry', async () => {
    await expect(requestHeaders({ headers: { 'X-Name': '✓' }, json: false }, '')).rejects.toMatchObject({
      code: 'SSE_INVALID_OPTIONS',
    });
  });
});
