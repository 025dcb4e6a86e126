import { stripVTControlCharacters } from 'node:util';
import { TextEvent } from '../client/received-event.js';
import { printEvent, printNote } from './print-event.js';

const plain = { json: false, terminal: false, colors: false };
const terminal = { json: false, terminal: true, colors: true };
const event = (type: string, data: string, id?: string): TextEvent => new TextEvent(type, data, id, id ?? '');

describe('an event as text', () => {
  it.each<[what: string, event: TextEvent, text: string]>([
    ['with its data only', event('message', 'a'), 'data: a\n\n'],
    ['with all fields', event('progress', '{"n":1}', '7'), 'event: progress\nid: 7\ndata: {"n":1}\n\n'],
    ['with several lines', event('message', 'a\n\nb'), 'data: a\ndata: \ndata: b\n\n'],
    ['without data', event('ping', ''), 'event: ping\ndata: \n\n'],
    ['that resets the id', event('message', 'a', ''), 'id: \ndata: a\n\n'],
  ])('%s', (_what, given, text) => {
    expect(printEvent(given, plain)).toBe(text);
    expect(stripVTControlCharacters(printEvent(given, terminal))).toBe(text);
  });

  it.each<[event: TextEvent, text: string]>([
    [event('progress', '{"n":1}', '7'), '{"type":"progress","data":{"n":1},"id":"7"}\n'],
    [event('message', 'not\n{JSON'), '{"type":"message","data":"not\\n{JSON"}\n'],
    [event('message', ''), '{"type":"message","data":""}\n'],
    [event('message', 'null', ''), '{"type":"message","data":null,"id":""}\n'],
  ])('is one line of JSON, also on a terminal', (given, text) => {
    expect(printEvent(given, { ...plain, json: true })).toBe(text);
    expect(printEvent(given, { ...terminal, json: true })).toBe(text);
  });

  it('sends no control character of the server to a terminal', () => {
    const hostile = event('a\u001b[2J', 'x\u001b]0;title\u0007\u009b31m\ty\r', '\u0000');
    const text = printEvent(hostile, terminal);
    expect(stripVTControlCharacters(text)).toBe(
      'event: a\\x1b[2J\nid: \\x00\ndata: x\\x1b]0;title\\x07\\x9b31m\ty\\x0d\n\n',
    );
    expect(text.includes('\u001b]0')).toBe(false);
    expect(stripVTControlCharacters(printNote('a\u001b[2J', terminal))).toBe('# a\\x1b[2J\n');
    expect(printNote('a', plain)).toBe('# a\n');
  });

  it('sends no control character to a terminal in a line of JSON either', () => {
    const hostile = event('a\u009b2J', '{"a":"\u009b31m\u007f"}');
    expect(printEvent(hostile, { ...terminal, json: true })).toBe(
      '{"type":"a\\u009b2J","data":{"a":"\\u009b31m\\u007f"}}\n',
    );
    expect(printEvent(hostile, { ...plain, json: true })).toContain('\u009b');
  });

  it('has the numbers of JSON data as the server wrote them', () => {
    const data = '{"id":9007199254740993,\r\n "n": 1e400, "z":-0}';
    const line = printEvent(event('message', data), { ...plain, json: true });
    expect(line).toContain('"id":9007199254740993,');
    expect(line).toContain('1e400');
    expect(line).toContain('-0');
    expect(line.trimEnd()).not.toMatch(/[\r\n]/);
    expect(JSON.parse(line)).toMatchObject({ type: 'message', data: JSON.parse(data) });
  });

  it('is unchanged in a pipe', () => {
    expect(printEvent(event('message', '\u001b[1m'), plain)).toBe('data: \u001b[1m\n\n');
  });
});
