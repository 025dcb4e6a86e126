import { HEAD, missingFields, replacedField } from './stream-head.js';

/** The fields that are set although the application has set this one. */
const missingBeside = (name: string, value: string) =>
  missingFields((asked) => (asked === name ? value : undefined));

describe('the head of an event stream', () => {
  it.each([
    ['Content-Type', 'text/event-stream'],
    ['Content-Type', 'text/event-stream;charset=UTF8'],
    ['Content-Type', 'Text/Event-Stream ; charset="utf-8"'],
    ['Content-Type', 'text/event-stream; profile=a; charset=utf-8'],
    ['Content-Type', 'text/event-stream; profile=a'],
    ['Cache-Control', 'no-store'],
    ['Cache-Control', 'private, max-age=0, must-revalidate'],
    ['X-Accel-Buffering', 'NO'],
    ['X-Content-Type-Options', 'nosniff'],
  ])('keeps the legal %s "%s" of the application', (name, value) => {
    const others = Object.fromEntries(Object.entries(HEAD).filter(([field]) => field !== name));
    expect(missingBeside(name, value)).toEqual(others);
    expect(replacedField(name.toLowerCase(), value)).toBe(undefined);
  });

  it.each([
    ['Content-Type', 'text/event-streams'],
    ['Content-Type', 'application/json'],
    ['Content-Type', 'text/event-stream; charset=latin1'],
    ['Content-Type', 'text/event-stream; charset=x-utf-8'],
    ['Content-Type', 'text/event-stream; charset=utf-8859'],
    ['Cache-Control', 'public, max-age=60'],
    ['Cache-Control', 'x-no-store'],
    ['X-Accel-Buffering', 'yes'],
    ['X-Content-Type-Options', 'sniff'],
  ])('replaces the %s "%s" of the application', (name, value) => {
    expect(missingBeside(name, value)).toEqual(HEAD);
    expect(replacedField(name.toLowerCase(), value)).toContain(HEAD[name]);
  });
});
