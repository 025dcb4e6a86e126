import { createServer } from 'node:http';

/** Serves paths with handlers `(response, query, request)` on a free port. */
export async function serve(routes) {
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url, 'http://localhost');
    routes[pathname](response, searchParams, request);
  });
  await new Promise((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve));
  return server.address().port;
}
