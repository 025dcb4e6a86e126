import { EventStreamCheck } from './event-stream-check.js';

/** Whether text in pieces is recognized as an event stream, and after which piece that was decided. */
function found(...pieces: string[]): [answer: boolean, after: number] {
  const check = new EventStreamCheck();
  for (const [i, piece] of pieces.entries()) {
    const answer = check.isEventStream(piece);
    if (answer || check.decided) return [answer, i + 1];
  }
  return [false, Infinity];
}

it.each([
  [['data: a\n\n']],
  [['event: x\r\ndata: {"a":1}\r\n\r\nrest']],
  [['\ufeffid: 1\rdata\r\r']],
  [[': c\n\nretry: 5\n\ndata:a\n\n']],
  [[':\n', 'event: x\nda', 'ta: a\n', '\n']],
  [['ev', 'ent: x\n', 'i', 'd: 1\n', 'ret', 'ry: 1\n', 'd', 'ata', '\n\n']],
  [['', ': a comment that does not start like a field', '\n', 'data', ': a\n\n']],
  [['event: data', '\n\n', 'data: an unfinished', ' line\n\n']],
])('%j starts with a block', (pieces) => {
  expect(found(...pieces)).toEqual([true, pieces.length]);
});

it.each([
  ['hello'],
  ['data'.repeat(3)],
  ['name: x\nid: 1\n'],
  ['data: a\nname: b\n\n'],
  ['{"data":1}\n\n'],
  [' data: a\n\n'],
  ['database: a\n\n'],
  ['\n\nid 1\n'],
  ['da\n\ufeffta: a\n\n'],
  ['xdata: a'],
])('%j is immediately known to be something else', (text) => {
  expect(found(text)).toEqual([false, 1]);
});

it('is not decided by a block without data', () => {
  expect(found('id: 1\n\n', 'event: a\n\n', 'retry\n\n', ': data\n\n')).toEqual([false, Infinity]);
});

it('stops after a maximum length', () => {
  expect(found('id: 1\n\n', ...Array.from({ length: 100 }, () => `: ${'x'.repeat(1000)}\n`))[1]).toBeLessThan(
    101,
  );
});
