import { readSettings } from './settings.js';

describe('readSettings', () => {
  it('has a default for every setting, also if a variable is empty', () => {
    const defaults = { adapter: 'express', host: '127.0.0.1', port: 3000 };
    expect(readSettings({})).toEqual(defaults);
    expect(readSettings({ PORT: '', HOST: '', DEMO_ADAPTER: '' })).toEqual(defaults);
  });

  it('reads the settings from the variables', () => {
    expect(readSettings({ PORT: '0', HOST: '::1', DEMO_ADAPTER: 'fastify' })).toEqual({
      adapter: 'fastify',
      host: '::1',
      port: 0,
    });
  });

  it.each(['http', '-1', '65536', '80.5', '0x50', ' '])('rejects the port "%s"', (PORT) => {
    expect(() => readSettings({ PORT })).toThrow(
      `PORT is "${PORT}": it must be a number from 0 (any free port) to 65535.`,
    );
  });

  it('rejects a speed that is not positive', () => {
    expect(() => readSettings({ DEMO_SPEED: '0' })).toThrow('DEMO_SPEED is "0"');
  });

  it('rejects an unknown adapter', () => {
    expect(() => readSettings({ DEMO_ADAPTER: 'koa' })).toThrow('must be express or fastify');
  });
});
