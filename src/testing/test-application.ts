import { request as httpRequest, Server, type ClientRequest, type RequestOptions } from 'node:http';
import { request as httpsRequest, Server as SecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Server as TlsServer } from 'node:tls';
import { SseError, quoted } from '../errors/sse.errors.js';
import { MemorySocket } from './memory-socket.js';

/** The part of a Nest application that we use. */
export interface TestApplication {
  init(): Promise<unknown>;
  listen(port: number, host: string): Promise<unknown>;
  getHttpServer(): object;
  getHttpAdapter(): { getInstance(): unknown };
}

interface ServerOfApplication {
  address(): AddressInfo | string | null;
  emit(event: string, socket: MemorySocket): unknown;
}

/** Sends a request to an application or to a base URL. */
export type SendRequest = (path: string, options: RequestOptions) => ClientRequest;

/**
 * Returns the function that sends requests. An application that listens, and a base URL, are reached over the network. Any other
 * application gets its requests within this process, without a port.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS` for a value that is neither an application nor a base URL
 */
export async function connectionTo(app: TestApplication | string): Promise<SendRequest> {
  if (typeof app === 'string') return overNetwork(baseUrl(app));
  if (!isApplication(app)) {
    throw invalid(quoted(app), 'Pass a Nest application, or a base URL such as http://127.0.0.1:3000.');
  }
  const server = app.getHttpServer() as ServerOfApplication;
  if (server.address() === null) {
    await app.init();
    await ready(app);
    if (server instanceof Server) return withinProcess(server, 'connection');
    if (server instanceof SecureServer) return withinProcess(server as never, 'secureConnection');
    // A server of another kind, such as HTTP/2.
    await app.listen(0, '127.0.0.1');
  }
  return overNetwork(addressOf(server));
}

function isApplication(app: unknown): app is TestApplication {
  const { getHttpServer } = (app ?? {}) as Partial<TestApplication>;
  return typeof getHttpServer === 'function';
}

/** Fastify serves no request before its plugins are loaded. */
async function ready(app: TestApplication): Promise<void> {
  const instance = app.getHttpAdapter().getInstance() as { ready?: () => PromiseLike<unknown> };
  await instance.ready?.();
}

function withinProcess(server: ServerOfApplication, event: string): SendRequest {
  return (path, options) =>
    httpRequest({
      host: '127.0.0.1',
      ...options,
      path,
      // With `agent: false`, Node ignores `createConnection`.
      agent: undefined,
      createConnection: () => {
        const [client, served] = MemorySocket.pair();
        server.emit(event, served);
        return client as never;
      },
    });
}

function overNetwork(base: URL): SendRequest {
  return (path, options) => {
    const url = new URL(base.origin + path);
    // The certificate of a test is signed by nobody.
    if (url.protocol === 'https:') return httpsRequest(url, { rejectUnauthorized: false, ...options });
    return httpRequest(url, options);
  };
}

function baseUrl(text: string): URL {
  let url: URL | undefined;
  try {
    url = new URL(text);
  } catch {
    // Rejected below.
  }
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw invalid(quoted(text), 'Pass an absolute base URL, such as http://127.0.0.1:3000.');
  }
  return url;
}

function addressOf(server: ServerOfApplication): URL {
  const address = server.address();
  if (address === null || typeof address === 'string') {
    throw invalid('one that listens on no port', 'Listen on a port, or do not listen at all.');
  }
  const { address: host, family, port } = address;
  const name = host === '::' || host === '0.0.0.0' ? '127.0.0.1' : family === 'IPv6' ? `[${host}]` : host;
  return new URL(`${server instanceof TlsServer ? 'https' : 'http'}://${name}:${port}`);
}

function invalid(what: string, remedy: string): SseError {
  return new SseError('SSE_INVALID_OPTIONS', `openStream(): The application is ${what}.`, { remedy });
}
