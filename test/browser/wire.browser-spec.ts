import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Browser } from 'playwright-core';
import { comment, event, retryAfter, type SseEvent } from 'nestjs-event-stream';
import { encodeEvent } from '../../src/wire/encode-event.js';
import { launch, READERS, Tab } from './browser.js';

interface Received {
  type: string;
  data: string;
  id: string;
}

/** Events, and what a browser dispatches for each by the standard (WHATWG HTML, 9.2.6). */
const CASES: readonly [what: string, sent: SseEvent, received: Received | undefined][] = [
  ['text', event({ data: 'text' }), { type: 'message', data: 'text', id: '' }],
  ['empty data', event({ data: '' }), { type: 'message', data: '', id: '' }],
  ['a line break alone', event({ data: '\n' }), { type: 'message', data: '\n', id: '' }],
  ['all line breaks', event({ data: 'a\nb\rc\r\nd' }), { type: 'message', data: 'a\nb\nc\nd', id: '' }],
  ['line breaks at the end', event({ data: 'a\n\n' }), { type: 'message', data: 'a\n\n', id: '' }],
  ['spaces at both ends', event({ data: '  a  ' }), { type: 'message', data: '  a  ', id: '' }],
  ['data that looks like fields', event({ data: 'data: x\nid: 5\n: y' }), of('data: x\nid: 5\n: y')],
  ['a comment, which is not dispatched', comment('quiet\nlines'), undefined],
  ['a NUL in data', event({ data: 'a\0b' }), of('a\0b')],
  ['a BOM in data', event({ data: '\uFEFFa\uFEFF' }), of('\uFEFFa\uFEFF')],
  ['a name', event({ type: 'named', data: '1' }), { type: 'named', data: '1', id: '' }],
  ['a name beyond ASCII', event({ type: 'größe', data: '1' }), { type: 'größe', data: '1', id: '' }],
  ['characters of one to four bytes', event({ data: 'aé€😀' }), of('aé€😀')],
  ['a delay alone, which is not dispatched', retryAfter(50), undefined],
  ['an ID alone, which is not dispatched', event({ id: 'a b' }), undefined],
  ['data after an ID alone', event({ data: 'x' }), { type: 'message', data: 'x', id: 'a b' }],
  ['an ID with data', event({ id: '2', data: 'y' }), { type: 'message', data: 'y', id: '2' }],
  ['an empty ID, which resets it', event({ id: '', data: 'z' }), { type: 'message', data: 'z', id: '' }],
];

function of(data: string): Received {
  return { type: 'message', data, id: '' };
}

const EXPECTED = CASES.flatMap(([, , received]) => received ?? []);
const TEXT = CASES.map(([, sent]) => encodeEvent(sent)).join('');

/** Bodies by path, each as the chunks that are written one by one. */
const bodies = new Map<string, Uint8Array[]>();

/** Every byte as a chunk of its own, so that each character and each line end is split. */
function eachByte(text: string): Uint8Array[] {
  return [...Buffer.from(text)].map((byte) => Uint8Array.of(byte));
}

describe('what the encoder writes, read by a browser', () => {
  let server: Server;
  let url: string;
  let browser: Browser;
  let tab: Tab;

  beforeAll(async () => {
    server = createServer(async ({ url: path = '', headers }, response) => {
      if (path === '/page') return void response.end('page');
      const body = bodies.get(path.replace(/\?.*/, ''));
      if (!body || headers['last-event-id']) return void response.writeHead(204).end();
      response.socket?.setNoDelay(true);
      response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' });
      for (const chunk of body) {
        if (!response.write(chunk)) await new Promise((resolve) => response.once('drain', resolve));
        // The next chunk is written after the socket has taken this one.
        await new Promise((resolve) => setImmediate(resolve));
      }
      response.end('id: end\n\n');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    browser = await launch();
    tab = await Tab.open(await browser.newContext(), url);
  });
  afterAll(async () => {
    await browser.close();
    server.close();
    server.closeAllConnections();
  });

  const TYPES = ['named', 'größe'];

  /** Returns the events that each reader receives from a body. */
  async function read(name: string, chunks: Uint8Array[]): Promise<Received[][]> {
    bodies.set(`/${name}`, chunks);
    for (const reader of READERS) {
      await tab.follow(`${name} ${reader}`, reader, `${url}/${name}?${reader}`, { types: TYPES });
    }
    const all = READERS.map((reader) => tab.until(`${name} ${reader}`, ({ closed }) => closed));
    return (await Promise.all(all)).map(({ events }) => events);
  }

  it.each([
    ['LF, as the encoder writes it', '\n'],
    ['CR', '\r'],
    ['CRLF', '\r\n'],
  ])('arrives whole if every byte comes by itself, with the line end %s', async (name, lineEnd) => {
    const text = TEXT.replaceAll('\n', lineEnd);
    expect(await read(name.slice(0, 4).trim(), eachByte(text))).toEqual([EXPECTED, EXPECTED]);
  });

  it('arrives whole behind a byte order mark, which is split as well', async () => {
    expect(await read('bom', eachByte(`\uFEFF${TEXT}`))).toEqual([EXPECTED, EXPECTED]);
  });

  it('arrives whole if each line comes by itself', async () => {
    const lines = TEXT.split(/(?<=\n)/).map((line) => Buffer.from(line));
    expect(await read('lines', lines)).toEqual([EXPECTED, EXPECTED]);
  });

  it('arrives whole in lines of several megabytes', async () => {
    const long = '0123456789abcdé€'.repeat(200_000);
    const text = encodeEvent(event({ data: `${long}\n${long}` }));
    expect(text.length).toBeGreaterThan(6_000_000);
    const received = await read('long', [Buffer.from(text)]);
    for (const events of received) {
      expect(events).toHaveLength(1);
      expect(events[0]?.data === `${long}\n${long}`).toBe(true);
    }
  });

  it('cannot contain the NUL that makes a browser ignore an ID', async () => {
    expect(() => event({ id: 'a\0b', data: 'x' })).toThrow('id');
    const [stock, ours] = await read('nul', [Buffer.from('id: 1\ndata: x\n\nid: a\0b\ndata: y\n\n')]);
    expect(stock?.map(({ data, id }) => [data, id])).toEqual([
      ['x', '1'],
      ['y', '1'],
    ]);
    expect(ours).toEqual(stock);
  });
});
