import { isLocal } from './is-local.js';

const ask = (remoteAddress: string | undefined, headers: Record<string, string>): boolean =>
  isLocal({ socket: { remoteAddress }, headers } as never);

describe('isLocal()', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1:3000'],
    ['127.8.8.8', 'localhost'],
    ['::1', '[::1]:3000'],
    ['::ffff:127.0.0.1', 'LOCALHOST:3000'],
  ])('is true for %s with the host %s', (address, host) => {
    expect(ask(address, { host })).toBe(true);
  });

  it.each([
    ['of another machine', '192.168.1.7', { host: 'localhost:3000' }],
    ['of another machine, over IPv6', '2001:db8::1', { host: '[::1]:3000' }],
    ['with an unknown address', undefined, { host: 'localhost:3000' }],
    ['without a host', '127.0.0.1', {}],
    ['for the name of a website', '127.0.0.1', { host: 'localhost.example.com:3000' }],
    ['of a proxy', '127.0.0.1', { host: 'localhost:3000', 'x-forwarded-for': '192.168.1.7' }],
    ['of a proxy of RFC 7239', '127.0.0.1', { host: 'localhost:3000', forwarded: 'for=192.168.1.7' }],
  ])('is false for a request %s', (_what, address, headers) => {
    expect(ask(address, headers)).toBe(false);
  });
});
