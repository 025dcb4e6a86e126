import { styleText } from 'node:util';
import type { ReceivedEvent } from '../client/received-event.js';

/** How events are printed. */
export interface PrintStyle {
  /** One line of JSON for each event. */
  readonly json: boolean;
  /** For a terminal: with control characters made visible. */
  readonly terminal: boolean;
  /** With colors. */
  readonly colors: boolean;
}

/** One event as text: its fields as on the wire, or one line of JSON. */
export function printEvent(event: ReceivedEvent, style: PrintStyle): string {
  if (style.json) return `${style.terminal ? escaped(asJson(event)) : asJson(event)}\n`;
  const { type, id, data } = event;
  const lines: string[] = [];
  if (type !== 'message') lines.push(field('event', type, style));
  if (id !== undefined) lines.push(field('id', id, style));
  for (const line of data.split('\n')) lines.push(field('data', line, style));
  return `${lines.join('\n')}\n\n`;
}

/** A note about the connection, which goes to standard error. */
export function printNote(text: string, { terminal, colors }: Omit<PrintStyle, 'json'>): string {
  const note = `# ${terminal ? visible(text) : text}`;
  return `${colors ? styleText('dim', note) : note}\n`;
}

function asJson({ type, data, id }: ReceivedEvent): string {
  const ofId = id === undefined ? '' : `,"id":${JSON.stringify(id)}`;
  return `{"type":${JSON.stringify(type)},"data":${jsonOf(data)}${ofId}}`;
}

/**
 * The data if it is JSON, otherwise a JSON string of it. JSON is not serialized again, because that would change numbers beyond
 * 2^53. Line breaks in it are white space between its tokens, so they are removed.
 */
function jsonOf(data: string): string {
  try {
    JSON.parse(data);
    return data.replace(/[\r\n]+/g, '').trim();
  } catch {
    return JSON.stringify(data);
  }
}

function field(name: 'event' | 'id' | 'data', value: string, { terminal, colors }: PrintStyle): string {
  const text = terminal ? visible(value) : value;
  if (!colors) return `${name}: ${text}`;
  return `${styleText('dim', `${name}:`)} ${name === 'event' ? styleText(['bold', 'cyan'], text) : text}`;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A server must not be able to send escape sequences to a terminal. */
function visible(text: string): string {
  return text.replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** In JSON, control characters occur only in strings. It escapes those below U+0020 itself. */
function escaped(json: string): string {
  return json.replace(CONTROLS, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
