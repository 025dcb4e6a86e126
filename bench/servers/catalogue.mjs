/**
 * The servers by name: the file that starts one, its options, and the server of Nest that it is compared with. Servers
 * without an adapter are compared with Nest on Express.
 */
export const SERVERS = {
  'ours-express': ours('express'),
  'ours-fastify': ours('fastify'),
  'ours-express-intercepted': ours('express', { intercepted: true }),
  'ours-express-inspected': ours('express', { inspected: true }),
  'nest-express': { file: 'nest', adapter: 'express', settings: {} },
  'nest-fastify': { file: 'nest', adapter: 'fastify', settings: {} },
  'better-sse': { file: 'better-sse', settings: {} },
  'fastify-sse': { file: 'fastify-sse', adapter: 'fastify', settings: {} },
  nchan: { file: 'nchan', settings: {} },
  'routing-express': { file: 'nest-routing', adapter: 'express', settings: {} },
  'routing-fastify': { file: 'nest-routing', adapter: 'fastify', settings: {} },
  raw: { file: 'raw', settings: {} },
  'raw-batched': { file: 'raw', settings: { batched: true } },
  'raw-pull': { file: 'raw', settings: { pulled: true } },
  'raw-sock': { file: 'raw-socket', settings: {} },
  'raw-sock-batch': { file: 'raw-socket', settings: { joined: true } },
};

function ours(adapter, settings = {}) {
  return { file: 'ours', adapter, settings, isOurs: true };
}

/** The server of Nest that a server is compared with. */
export function nestFor(name) {
  return SERVERS[name].adapter === 'fastify' ? 'nest-fastify' : 'nest-express';
}

/** The server with only Nest's routing, on the same adapter. */
export function routingFor(name) {
  return SERVERS[name].adapter === 'fastify' ? 'routing-fastify' : 'routing-express';
}
