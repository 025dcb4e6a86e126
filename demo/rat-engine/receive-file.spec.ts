import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { HttpException } from '@nestjs/common';
import { receiveFile } from './receive-file.js';

const BOUNDARY = 'line';

function part(filename: string, content: string, name = 'file'): string {
  const head = `Content-Disposition: form-data; name="${name}"; filename="${filename}"`;
  return `--${BOUNDARY}\r\n${head}\r\nContent-Type: application/octet-stream\r\n\r\n${content}\r\n`;
}
const END = `--${BOUNDARY}--\r\n`;

describe('receiveFile', () => {
  const directory = mkdtempSync(join(tmpdir(), 'receive-file-'));
  const path = join(directory, 'received');
  let server: Server;
  let maxBytes = 1000;
  let names: string[];
  let bytes: number[];
  let outcome: Promise<number | HttpException>;

  beforeEach(async () => {
    [maxBytes, names, bytes] = [1000, [], []];
    let settle!: (result: number | HttpException) => void;
    outcome = new Promise((resolve) => (settle = resolve));
    const receive = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
      const target = {
        path,
        maxBytes,
        onName: (name: string) => void names.push(name),
        onBytes: async (received: number) => void bytes.push(received),
      };
      const result = await receiveFile(incoming, target).catch((error: HttpException) => error);
      settle(result);
      response.statusCode = typeof result === 'number' ? 201 : result.getStatus();
      response.end('answer');
    };
    server = createServer((incoming, response) => void receive(incoming, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  afterEach(async () => {
    rmSync(path, { force: true });
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(readdirSync(directory)).toEqual([]);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  function port(): number {
    return (server.address() as AddressInfo).port;
  }

  async function send(body: string, type = `multipart/form-data; boundary=${BOUNDARY}`): Promise<number> {
    const sent = request({ port: port(), method: 'POST', headers: { 'content-type': type }, agent: false });
    const answer = new Promise<IncomingMessage>((resolve, reject) =>
      sent.once('response', resolve).once('error', reject),
    );
    sent.end(body);
    const response = await answer;
    response.resume();
    return response.statusCode ?? 0;
  }

  it('stores the bytes unchanged, and reports the name and the progress', async () => {
    const content = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code % 128)).join('');
    expect(await send(part('report.txt', content) + END)).toBe(201);
    expect(await outcome).toBe(256);
    expect(readFileSync(path, 'latin1')).toBe(content);
    expect(names).toEqual(['report.txt']);
    expect(bytes.at(-1)).toBe(256);
  });

  it('accepts other fields and an empty file', async () => {
    const field = `--${BOUNDARY}\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n`;
    expect(await send(field + part('empty', '') + END)).toBe(201);
    expect(await outcome).toBe(0);
    expect(existsSync(path)).toBe(true);
  });

  it('accepts a file of exactly the maximum length, and rejects one more byte', async () => {
    maxBytes = 100;
    expect(await send(part('fits', 'x'.repeat(100)) + END)).toBe(201);
    expect(await outcome).toBe(100);
  });

  it('rejects a file that is too long with 413 while the client still sends, and deletes it', async () => {
    maxBytes = 100;
    expect(await send(part('long', 'x'.repeat(3_000_000)) + END)).toBe(413);
    expect(existsSync(path)).toBe(false);
  });

  it.each([
    ['a body that ends within the file', part('a', 'content').slice(0, -4), 'Unexpected end of form'],
    ['a body that is not multipart', 'hello', 'Unexpected end of form'],
    ['an empty body', '', 'Unexpected end of form'],
    ['a part with a broken head', `--${BOUNDARY}\r\n(bad head\r\n\r\nx\r\n${END}`, 'Malformed part header'],
    ['no file', END, 'The upload does not contain a file'],
    ['two files', part('a', '1') + part('b', '2') + END, 'one file at a time'],
  ])('answers %s with 400 and leaves nothing behind', async (_what, body, message) => {
    expect(await send(body)).toBe(400);
    expect(await outcome).toMatchObject({ message: expect.stringContaining(message) as string });
    expect(existsSync(path)).toBe(false);
  });

  it('rejects a multipart type without a boundary with 400, and another type with 415', async () => {
    expect(await send('x', 'multipart/form-data')).toBe(400);
    expect(await send('x', 'application/octet-stream')).toBe(415);
  });

  it.each([
    ['../../etc/passwd', 'passwd'],
    ['/etc/passwd', 'passwd'],
    ['..\\\\..\\\\boot.ini', 'boot.ini'],
    ['', 'unnamed'],
    ['naïve ☃.txt', 'naïve ☃.txt'],
    ['☃'.repeat(300), '☃'.repeat(255)],
  ])('never lets the name %p decide where the file goes', async (given, shown) => {
    expect(await send(part(given, 'content') + END)).toBe(201);
    expect(names).toEqual([shown]);
    expect(readFileSync(path, 'utf8')).toBe('content');
  });

  it('reports a name that is safe to send, from any bytes', async () => {
    const head = `Content-Disposition: form-data; name="file"; filename*=utf-16le''%00%d8a%00`;
    expect(await send(`--${BOUNDARY}\r\n${head}\r\n\r\ncontent\r\n${END}`)).toBe(201);
    expect(names).toEqual(['\uFFFDa']);
  });

  it('deletes the partial file of a client that leaves', async () => {
    const socket = connect(port(), '127.0.0.1');
    socket.write(
      `POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n` +
        `Content-Type: multipart/form-data; boundary=${BOUNDARY}\r\n\r\n${part('half', 'x'.repeat(200)).slice(0, -2)}`,
    );
    while (bytes.length === 0) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    expect(await outcome).toMatchObject({ message: 'The client interrupted the upload.', status: 400 });
    expect(existsSync(path)).toBe(false);
  });
});
