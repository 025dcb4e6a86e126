import { styleText } from 'node:util';
import type { ReceivedEvent } from '../client/received-event.js';

/** How events are printed. */
export interface PrintStyle {
  /** One line of JSON for each event. */
  readonly json: boolean;
  /** For a terminal: with colors, and with control characters made visible. */
  readonly terminal: boolean;
}

/** One event as text: its fields as on the wire, or one line of JSON. */
export function printEvent(event: ReceivedEvent, { json, terminal }: PrintStyle): string {
  if (json) return `${JSON.stringify(asJson(event))}\n`;
  const { type, id, data } = event;
  const lines: string[] = [];
  if (type !== 'message') lines.push(field('event', type, terminal));
  if (id !== undefined) lines.push(field('id', id, terminal));
  for (const line of data.split('\n')) lines.push(field('data', line, terminal));
  return `${lines.join('\n')}\n\n`;
}

/** A note about the connection, which goes to standard error. */
export function printNote(text: string, terminal: boolean): string {
  const note = `# ${terminal ? visible(text) : text}`;
  return `${terminal ? styleText('dim', note) : note}\n`;
}

function asJson({ type, data, id }: ReceivedEvent): object {
  return { type, data: parsed(data), ...(id !== undefined && { id }) };
}

/** The data as JSON if it is JSON, otherwise as text. */
function parsed(data: string): unknown {
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return data;
  }
}

function field(name: 'event' | 'id' | 'data', value: string, terminal: boolean): string {
  if (!terminal) return `${name}: ${value}`;
  const text = visible(value);
  return `${styleText('dim', `${name}:`)} ${name === 'event' ? styleText(['bold', 'cyan'], text) : text}`;
}

// eslint-disable-next-line no-control-regex -- control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** A server must not be able to send escape sequences to a terminal. */
function visible(text: string): string {
  return text.replace(CONTROLS, (character) => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
