import { readCommandLine, UsageError } from './command-line.js';

const DEFAULTS = {
  url: 'http://localhost:3000/events',
  method: undefined,
  data: undefined,
  headers: [],
  lastEventId: undefined,
  json: false,
  until: undefined,
  reconnect: true,
};

describe('a command line', () => {
  it.each<[args: string[], command: object]>([
    [['listen', 'http://localhost:3000/events'], {}],
    [['listen', 'localhost:3000/events'], {}],
    [['listen', 'HTTPS://a.example/x'], { url: 'HTTPS://a.example/x' }],
    [['--json', 'listen', 'localhost:3000/events'], { json: true }],
    [['listen', 'localhost:3000/events', '-X', 'PUT', '--method', 'PATCH'], { method: 'PATCH' }],
    [['listen', 'localhost:3000/events', '--data={"a":1}'], { data: '{"a":1}' }],
    [
      ['listen', 'localhost:3000/events', '-H', 'A: b', '--header', ' Cookie : x=1; y=2: 3'],
      { headers: [['A', 'b'], ['Cookie', 'x=1; y=2: 3']] }, // prettier-ignore
    ],
    [['listen', 'localhost:3000/events', '--last-event-id', '7'], { lastEventId: '7' }],
    [['listen', 'localhost:3000/events', '--until', 'done'], { until: 'done' }],
    [['listen', 'localhost:3000/events', '--no-reconnect'], { reconnect: false }],
    [['listen', '--', '-x'], { url: 'http://-x' }],
  ])('%j', (args, command) => {
    expect(readCommandLine(args)).toEqual({ ...DEFAULTS, ...command });
  });

  it.each([
    [['--help'], 'help'],
    [['listen', '-h'], 'help'],
    [['-v'], 'version'],
    [['--version', 'listen'], 'version'],
  ])('%j asks for the %s', (args, wanted) => {
    expect(readCommandLine(args)).toBe(wanted);
  });

  it.each<[args: string[], message: string | RegExp]>([
    [[], 'A command is missing. Use "listen <url>".'],
    [['watch', 'x'], 'Unknown command "watch". Use "listen <url>".'],
    [['listen'], 'A URL is missing. Use "listen <url>".'],
    [['listen', 'a', 'b'], 'Unexpected argument "b". Quote a URL that contains "&".'],
    [['listen', 'a', '-H', 'nothing'], 'Invalid header "nothing". Use "Name: value".'],
    [['listen', 'a', '-H', ': x'], 'Invalid header ": x". Use "Name: value".'],
    [['listen', 'a', '--colour'], /--colour/],
    [['listen', 'a', '--until'], /--until/],
    [['listen', 'a', '--json=yes'], /--json/],
  ])('%j is rejected', (args, message) => {
    expect(() => readCommandLine(args)).toThrow(UsageError);
    expect(() => readCommandLine(args)).toThrow(message);
  });
});
