import { Controller, Get, Param } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import { comment, event, raw, retryAfter, Sse } from 'nestjs-event-stream';
import { openStream } from 'nestjs-event-stream/testing';
import { closeApps, eachAdapter, eachWay, makeApp } from './adapters.js';

class Money {
  constructor(readonly cents: number) {}
  toJSON(): string {
    return `${this.cents} ct`;
  }
}
class Message {
  readonly data = 'of a class';
}
/** Like the pages of several SDKs: a value with items, which also iterates over all pages. */
class Page {
  constructor(private readonly items: number[]) {}
  async *[Symbol.asyncIterator]() {
    yield* this.items;
  }
  toJSON(): object {
    return { items: this.items };
  }
}
class Cursor {
  readonly at = 1;
  next(): number {
    return this.at + 1;
  }
}
const inherited = Object.create({ data: 'inherited' }) as object;
const bare = Object.assign(Object.create(null), { data: 'no prototype' }) as object;

/** The yielded value, and the bytes that a client gets after the first comment. */
const ROWS: Record<string, [yields: unknown, bytes: string]> = {
  // a string
  text: ['hello', 'data: hello\n\n'],
  'empty text': ['', 'data: \n\n'],
  'text with spaces around it': ['  a  ', 'data:   a  \n\n'],
  'text that starts with a colon': [': no comment', 'data: : no comment\n\n'],
  'text that looks like a block': ['event: x\n\ndata: y', 'data: event: x\ndata: \ndata: data: y\n\n'],
  'text with LF, CR and CRLF': ['a\nb\rc\r\nd', 'data: a\ndata: b\ndata: c\ndata: d\n\n'],
  'text with LF CR, which are two line breaks': ['a\n\rb', 'data: a\ndata: \ndata: b\n\n'],
  'text that ends with a line break': ['a\n', 'data: a\ndata: \n\n'],
  'a line break alone': ['\r\n', 'data: \ndata: \n\n'],
  'text with U+2028, U+2029, U+0085, VT and FF': [
    'a\u2028b\u2029c\u0085d\ve\f',
    'data: a\u2028b\u2029c\u0085d\ve\f\n\n',
  ],
  'text beyond the basic plane': ['ä€😀', 'data: ä€😀\n\n'],
  'lone surrogates': ['a\ud800b\udc00', 'data: a\ufffdb\ufffd\n\n'],
  'a byte order mark and NUL': ['\ufeffa\0b', 'data: \ufeffa\0b\n\n'],

  // results of event(), comment() and retryAfter()
  'event() with all fields': [
    event({ type: 'message', id: '0', retry: 1000, comment: 'c', data: [1] }),
    ': c\nevent: message\nid: 0\nretry: 1000\ndata: [1]\n\n',
  ],
  'event() with data alone': [event({ data: 'x' }), 'data: x\n\n'],
  'event() under the name of the wire': [event({ event: 'tick', data: '' }), 'event: tick\ndata: \n\n'],
  'event() with an object': [event({ type: 'p', data: { pct: 7 } }), 'event: p\ndata: {"pct":7}\n\n'],
  'event() with null': [event({ data: null }), 'data: null\n\n'],
  'event() with several lines': [event({ type: 'log', data: 'a\nb' }), 'event: log\ndata: a\ndata: b\n\n'],
  'event() with an id alone': [event({ id: 7 }), 'id: 7\n\n'],
  'event() with an empty id, which resets': [event({ id: '', data: 1 }), 'id: \ndata: 1\n\n'],
  'event() with nothing': [event({}), ''],
  'comment()': [comment('hi'), ': hi\n'],
  'comment() with several lines': [comment('a\r\nb\rc'), ': a\n: b\n: c\n'],
  'comment() with nothing': [comment(''), ':\n'],
  'retryAfter()': [retryAfter(2500), 'retry: 2500\n\n'],
  'retryAfter() zero': [retryAfter(0), 'retry: 0\n\n'],

  // a MessageEvent
  'an object with data alone': [{ data: 'x' }, 'data: x\n\n'],
  'an object with every field': [
    { data: { a: 1 }, id: 5, type: 't', retry: 9, comment: 'c' },
    ': c\nevent: t\nid: 5\nretry: 9\ndata: {"a":1}\n\n',
  ],
  'an object with event for type': [{ event: 'end', data: '[DONE]' }, 'event: end\ndata: [DONE]\n\n'],
  'an object with type and event alike': [{ type: 'a', event: 'a', data: 1 }, 'event: a\ndata: 1\n\n'],
  'an object with a comment alone': [{ comment: 'c' }, ': c\n'],
  'an object with retry alone': [{ retry: 3 }, 'retry: 3\n\n'],
  'an object with id zero': [{ id: 0, data: 'x' }, 'id: 0\ndata: x\n\n'],
  'an object with an empty type': [{ type: '', data: 'x' }, 'data: x\n\n'],
  'an object with undefined data': [{ data: undefined }, ''],
  'an object with null data': [{ data: null }, 'data: null\n\n'],
  'an object without prototype': [bare, 'data: no prototype\n\n'],

  // any other value
  'an object with an unknown key': [{ data: 'x', pct: 1 }, 'data: {"data":"x","pct":1}\n\n'],
  'an object with type and id but no data': [{ type: 'a', id: 1 }, 'data: {"type":"a","id":1}\n\n'],
  'an object of a class': [new Message(), 'data: {"data":"of a class"}\n\n'],
  'an object that inherits data': [inherited, 'data: {}\n\n'],
  'an empty object': [{}, 'data: {}\n\n'],
  'an object with its own JSON': [new Money(250), 'data: "250 ct"\n\n'],
  'a date': [new Date(0), 'data: "1970-01-01T00:00:00.000Z"\n\n'],
  'an array': [[1, 'a', null], 'data: [1,"a",null]\n\n'],
  'a number': [42, 'data: 42\n\n'],
  'a number that JSON has not': [NaN, 'data: null\n\n'],
  'a boolean': [false, 'data: false\n\n'],
  'an object with its own JSON that can be iterated': [new Page([1, 2]), 'data: {"items":[1,2]}\n\n'],
  'an array of bytes by number': [[...Buffer.from('ab')], 'data: [97,98]\n\n'],
  'an object with a method next()': [new Cursor(), 'data: {"at":1}\n\n'],
  'fields that are called as members of sources are': [
    { next: 1, then: 2, subscribe: true, pipe: 'x' },
    'data: {"next":1,"then":2,"subscribe":true,"pipe":"x"}\n\n',
  ],
  null: [null, 'data: null\n\n'],
  'JSON of text with line breaks': [['a\nb\r'], 'data: ["a\\nb\\r"]\n\n'],
  'JSON of a lone surrogate': [['\ud800'], 'data: ["\\ud800"]\n\n'],

  undefined: [undefined, ''],

  // raw()
  'raw()': [
    raw('event: notification\ndata: {"alert":"New message"}\n\n'),
    'event: notification\ndata: {"alert":"New message"}\n\n',
  ],
  'raw() with CRLF': [raw('data: a\r\n\r\n'), 'data: a\r\n\r\n'],
  'raw() without spaces, with a comment and two blocks': [
    raw(':c\ndata:a\n\nid\nretry:1\ndata\n\n'),
    ':c\ndata:a\n\nid\nretry:1\ndata\n\n',
  ],
};

/** Differences if all yielded values are payloads. */
const DATA_ROWS: Record<string, [yields: unknown, bytes: string]> = {
  'an object with data alone': [{ data: 'x' }, 'data: {"data":"x"}\n\n'],
  'an object with every field': [
    { type: 'evil', id: 'x\ny', retry: 0, comment: 'c', data: 1 },
    'data: {"type":"evil","id":"x\\ny","retry":0,"comment":"c","data":1}\n\n',
  ],
  text: ['hello', 'data: hello\n\n'],
  'event()': [event({ type: 't', data: 1 }), 'event: t\ndata: 1\n\n'],
  'comment()': [comment('c'), ': c\n'],
  'raw()': [raw('data: r\n\n'), 'data: r\n\n'],
  undefined: [undefined, ''],
};

/** A custom serializer with output of several lines. */
const pretty = (value: unknown): string =>
  JSON.stringify(value, (_key, v: unknown) => (typeof v === 'bigint' ? `${v}n` : v), 1);

@Controller()
class ValuesController {
  @Sse('values/:name')
  async *values(@Param('name') name: string) {
    yield ROWS[name]?.[0];
  }

  @Sse('data/:name', { emits: 'data' })
  async *data(@Param('name') name: string) {
    yield DATA_ROWS[name]?.[0];
  }

  @Sse('serialized', { serialize: pretty })
  *serialized() {
    yield { a: 1n };
    yield { type: 'big', data: [2n] };
    yield event({ data: 3n });
    yield 'text is left alone';
    yield new Uint8Array([1]);
  }

  @Sse('several')
  *several() {
    yield comment('first');
    yield 'a';
    yield undefined;
    yield { retry: 10 };
    yield raw('data: b\n\n');
    yield { data: 'c', id: '1' };
  }

  @Get('plain')
  plain() {
    return { not: 'a stream' };
  }
}

eachAdapter((adapter) =>
  eachWay((setUp) => {
    let app: INestApplication;
    beforeAll(async () => {
      app = await makeApp(adapter, { controllers: [ValuesController], setUp });
    });
    afterAll(closeApps);

    const body = async (path: string): Promise<string> => {
      const stream = await openStream(app, path);
      expect(stream.status).toBe(200);
      expect(await stream.end()).toBe('ended');
      return stream.raw();
    };

    describe('from value to bytes', () => {
      it.each(Object.entries(ROWS))('%s', async (name, [, bytes]) => {
        expect(await body(`/values/${encodeURIComponent(name)}`)).toBe(`:\n${bytes}`);
      });
    });

    describe("from value to bytes, if all are payloads (emits: 'data')", () => {
      it.each(Object.entries(DATA_ROWS))('%s', async (name, [, bytes]) => {
        expect(await body(`/data/${encodeURIComponent(name)}`)).toBe(`:\n${bytes}`);
      });
    });

    it('writes payloads with the serializer of the route, line by line, and leaves text alone', async () => {
      expect(await body('/serialized')).toBe(
        ':\ndata: {\ndata:  "a": "1n"\ndata: }\n\n' +
          'event: big\ndata: [\ndata:  "2n"\ndata: ]\n\n' +
          'data: "3n"\n\n' +
          'data: text is left alone\n\n' +
          'data: {\ndata:  "0": 1\ndata: }\n\n',
      );
    });

    it('writes values in the order in which they were yielded', async () => {
      expect(await body('/several')).toBe(
        ':\n: first\ndata: a\n\nretry: 10\n\ndata: b\n\nid: 1\ndata: c\n\n',
      );
    });

    it('does not change routes of other decorators', async () => {
      const answer = await openStream(app, '/plain');
      expect(await answer.json()).toEqual({ not: 'a stream' });
      expect(answer.headers['x-accel-buffering']).toBeUndefined();
    });
  }),
);
