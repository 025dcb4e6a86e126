import { stripVTControlCharacters } from 'node:util';
import { TextEvent } from '../client/received-event.js';
import { printEvent, printNote } from './print-event.js';

const plain = { json: false, terminal: false };
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
    expect(stripVTControlCharacters(printEvent(given, { json: false, terminal: true }))).toBe(text);
  });

  it.each<[event: TextEvent, text: string]>([
    [event('progress', '{"n":1}', '7'), '{"type":"progress","data":{"n":1},"id":"7"}\n'],
    [event('message', 'not\n{JSON'), '{"type":"message","data":"not\\n{JSON"}\n'],
    [event('message', ''), '{"type":"message","data":""}\n'],
    [event('message', 'null', ''), '{"type":"message","data":null,"id":""}\n'],
  ])('is one line of JSON, also on a terminal', (given, text) => {
    expect(printEvent(given, { json: true, terminal: false })).toBe(text);
    expect(printEvent(given, { json: true, terminal: true })).toBe(text);
  });

  it('sends no control character of the server to a terminal', () => {
    const hostile = event('a\u001b[2J', 'x\u001b]0;title\u0007\u009b31m\ty\r', '\u0000');
    const text = printEvent(hostile, { json: false, terminal: true });
    expect(stripVTControlCharacters(text)).toBe(
      'event: a\\x1b[2J\nid: \\x00\ndata: x\\x1b]0;title\\x07\\x9b31m\ty\\x0d\n\n',
    );
    expect(text.includes('\u001b]0')).toBe(false);
    expect(stripVTControlCharacters(printNote('a\u001b[2J', true))).toBe('# a\\x1b[2J\n');
    expect(printNote('a', false)).toBe('# a\n');
  });

  it('is unchanged in a pipe', () => {
    expect(printEvent(event('message', '\u001b[1m'), plain)).toBe('data: \u001b[1m\n\n');
  });
});
