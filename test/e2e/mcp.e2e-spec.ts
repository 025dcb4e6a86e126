import {
  Client as ModernClient,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { INestApplication } from '@nestjs/common';
import { SseConnections } from 'nestjs-event-stream';
import { RecordingLogger } from '../fixtures/recording-logger.js';
import { McpController } from '../fixtures/mcp/mcp.controller.js';
import { closeApps, eachAdapter, makeApp, until } from './adapters.js';

const INFO = { name: 'test', version: '1.0.0' };

eachAdapter((adapter) => {
  let app: INestApplication;
  let url: URL;
  let logger: RecordingLogger;

  beforeEach(async () => {
    logger = new RecordingLogger();
    app = await makeApp(adapter, { controllers: [McpController], logger, forceCloseConnections: true });
    url = new URL(`${await app.getUrl()}/mcp`);
  });
  afterEach(async () => {
    await closeApps();
    expect(logger.errors).toEqual([]);
  });

  async function modern(): Promise<ModernClient> {
    const client = new ModernClient(INFO, { versionNegotiation: { mode: 'auto' } });
    await client.connect(new ModernTransport(url));
    return client;
  }
  async function legacy(): Promise<Client> {
    const client = new Client(INFO);
    await client.connect(new StreamableHTTPClientTransport(url) as never);
    return client;
  }

  const send = (body: object, headers: Record<string, string> = {}) =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, ...body }),
    });
  const meta = (version = '2026-07-28') => ({
    _meta: { 'io.modelcontextprotocol/protocolVersion': version },
  });
  const modernHead = (method: string) => ({ 'mcp-protocol-version': '2026-07-28', 'mcp-method': method });

  it.each([
    ['2026-07-28', modern],
    ['2025-11-25', legacy],
  ])('a client of %s lists tools, and calls one with progress', async (version, connect) => {
    const client = (await connect()) as ModernClient;
    expect(client.getNegotiatedProtocolVersion?.() ?? version).toBe(version);
    expect((await client.listTools()).tools.map(({ name }) => name)).toEqual(['count']);
    const steps: unknown[] = [];
    const call = { name: 'count', arguments: { to: 3 } };
    const onprogress = ({ progress, total }: { progress: number; total?: number }) =>
      void steps.push([progress, total]);
    const options = { onprogress };
    const result = await (version === '2026-07-28'
      ? client.callTool(call, options)
      : (client as unknown as Client).callTool(call, undefined, options));
    expect(result.content).toEqual([{ type: 'text', text: 'Counted to 3.' }]);
    expect(steps).toEqual([
      [1, 3],
      [2, 3],
      [3, 3],
    ]);
    expect(await client.callTool({ name: 'count', arguments: { to: 0 } })).toMatchObject({
      content: [{ text: 'Counted to 0.' }],
    });
    await client.close();
  });

  it('a client of the current version that cancels a call ends it', async () => {
    const client = await modern();
    const cancel = new AbortController();
    const call = client.callTool(
      { name: 'count', arguments: { to: 1_000_000 } },
      { signal: cancel.signal, onprogress: () => cancel.abort() },
    );
    await expect(call).rejects.toThrow();
    await until(() => app.get(SseConnections).count() === 0, 'the end of the call');
    await client.close();
  });

  it('answers a call without a progress token with the result alone, byte for byte', async () => {
    const params = { name: 'count', arguments: { to: 2 }, ...meta() };
    const answer = await send(
      { method: 'tools/call', params },
      { ...modernHead('tools/call'), 'mcp-name': 'count' },
    );
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    expect(answer.headers.get('x-accel-buffering')).toBe('no');
    const result = {
      resultType: 'complete',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'example', version: '1.0.0' } },
      content: [{ type: 'text', text: 'Counted to 2.' }],
    };
    expect(await answer.text()).toBe(`:\ndata: ${JSON.stringify({ jsonrpc: '2.0', id: 1, result })}\n\n`);
  });

  it.each([
    [
      'an unknown version',
      { method: 'tools/list', params: meta('1900-01-01') },
      { 'mcp-protocol-version': '1900-01-01' },
      400,
      -32022,
    ],
    [
      'another method in the header',
      { method: 'tools/list', params: meta() },
      modernHead('tools/call'),
      400,
      -32020,
    ],
    [
      'another version in the body',
      { method: 'tools/list', params: meta('2025-11-25') },
      modernHead('tools/list'),
      400,
      -32020,
    ],
    [
      'no name in the headers',
      { method: 'tools/call', params: { name: 'count', ...meta() } },
      modernHead('tools/call'),
      400,
      -32020,
    ],
    ['an unknown method', { method: 'nothing', params: meta() }, modernHead('nothing'), 404, -32601],
  ])('refuses %s', async (_what, body, headers, status, code) => {
    const answer = await send(body, headers as Record<string, string>);
    expect([answer.status, ((await answer.json()) as { error: { code: number } }).error.code]).toEqual([
      status,
      code,
    ]);
  });

  it('answers a notification with 202, another origin with 403, and GET with no stream', async () => {
    expect((await send({ id: undefined, method: 'notifications/initialized' })).status).toBe(202);
    expect((await send({ method: 'ping' }, { origin: 'https://evil.example' })).status).toBe(403);
    for (const method of ['GET', 'DELETE']) expect((await fetch(url, { method })).status).toBe(405);
  });
});
