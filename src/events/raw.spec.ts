import { raw } from './raw.js';

describe('raw()', () => {
  it.each([
    'data: x\n\n',
    'data:x\r\n\r\n',
    'data: x\r\r',
    'data\n\n',
    ': comment\n',
    ':\n',
    '\n',
    'event: a\nid: 1\nretry: 5\ndata: x\ndata: y\n\ndata: z\n\n',
    'id: é\ndata: \0\n\n',
    'id\nretry:007\n\n',
    'retry: 5\n\n',
    'id:\n\n',
    'data: x\n\n: comment\n',
  ])('accepts %p unchanged', (text) => {
    expect(raw(text).raw).toBe(text);
  });

  it.each([
    ['', 'is empty'],
    ['data: x', 'does not end with a line break'],
    ['data: x\n', 'does not end with a blank line'],
    ['data: x\r\n', 'does not end with a blank line'],
    ['data: x\n\nevent: y\n', 'does not end with a blank line'],
    ['id: 1\n', 'does not end with a blank line'],
    ['retry: 1\n', 'does not end with a blank line'],
    ['data: x\n: comment\n', 'does not end with a blank line'],
    ['\ufeffdata: x\n\n', 'starts with a byte order mark'],
    ['Data: x\n\n', 'has a line of the unknown field "Data"'],
    [' data: x\n\n', 'has a line of the unknown field " data"'],
    ['hello\n\n', 'has a line of the unknown field "hello"'],
    ['data : x\n\n', 'has a line of the unknown field "data "'],
    ['id: a\0b\n\n', 'has an id with a NUL character'],
    ['retry: 1s\n\n', 'has the reconnection time "1s", which is not digits'],
    ['retry:\n\n', 'has the reconnection time "", which is not digits'],
    ['retry\n\n', 'has the reconnection time "", which is not digits'],
    ['retry:  5\n\n', 'has the reconnection time " 5", which is not digits'],
    ['retry: -1\n\n', 'has the reconnection time "-1", which is not digits'],
  ])('rejects %p: it %s', (text, what) => {
    expect(() => raw(text)).toThrow(
      expect.objectContaining({
        code: 'SSE_INVALID_RAW',
        message: expect.stringMatching(
          new RegExp(`${what}\\. Give it whole blocks of the event stream format`),
        ) as string,
        context: { value: text },
      }) as Error,
    );
  });

  it.each([undefined, null, 5, Buffer.from('data: x\n\n')])('rejects %p, which is not a string', (value) => {
    expect(() => raw(value as never)).toThrow('is not a string');
  });
});
