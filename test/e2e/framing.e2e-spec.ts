import { connect, type Socket } from 'node:net';
import { Controller, type INestApplication } from '@nestjs/common';
import { Sse } from 'nestjs-event-stream';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

@Controller()
class Numbers {
  @Sse('numbers')
  async *numbers() {
    yield 1;
    await new Promise(setImmediate);
    yield '二';
  }
}

/** Sends raw requests, and collects the response bytes. */
async function exchange(
  app: INestApplication,
  request: string,
): Promise<{ socket: Socket; received: () => string }> {
  const { port } = new URL(await app.getUrl());
  const socket = connect(Number(port), '127.0.0.1');
  let received = '';
  socket.setEncoding('utf8');
  socket.on('data', (text: string) => (received += text));
  socket.write(request);
  return { socket, received: () => received };
}

const BODY = '10\r\n:\ndata: 1\n\n\r\n'.replace('10', 'b');

eachAdapter((adapter) => {
  afterEach(closeApps);

  it('the body is chunked, and the connection serves the next request after it', async () => {
    const app = await makeApp(adapter, { controllers: [Numbers] });
    const request = 'GET /numbers HTTP/1.1\r\nHost: x\r\n\r\n';
    const { socket, received } = await exchange(app, request);
    await until(() => received().endsWith('\r\n0\r\n\r\n'));
    const [head = '', body] = received().split(/\r\n\r\n([\s\S]*)/);
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(head.match(/^transfer-encoding: chunked$/gim)).toHaveLength(1);
    expect(head).not.toMatch(/^content-length/im);
    expect(body).toBe(`${BODY}b\r\ndata: 二\n\n\r\n0\r\n\r\n`);
    socket.write(request);
    await until(() => received().split('0\r\n\r\n').length === 3);
    socket.destroy();
  });

  it('an HTTP/1.0 client, or a client that asks to close, gets a body that ends with the connection', async () => {
    const app = await makeApp(adapter, { controllers: [Numbers] });
    const { socket, received } = await exchange(app, 'GET /numbers HTTP/1.0\r\nHost: x\r\n\r\n');
    await until(() => socket.closed);
    expect(received()).not.toMatch(/chunked/i);
    expect(received().split('\r\n\r\n')[1]).toBe(':\ndata: 1\n\ndata: 二\n\n');
    const asked = await exchange(app, 'GET /numbers HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    await until(() => asked.socket.closed);
    expect(asked.received()).toMatch(/^connection: close$/im);
  });
});
