import type { ExecutionContext } from '@nestjs/common';
import type { OptionTable } from '../checking/option-check.js';
import { anyOf, flag, func, none, oneOf } from '../checking/option-kinds.js';
import type { AnyContract } from '../events/event-contract.js';
import type { Emits, Serialize } from '../events/to-event.js';

/** How values become events. */
export interface FormatOptions {
  /**
   * `'events'` reads a value that has the shape of a MessageEvent as an event. `'data'` takes every value as payload.
   * @default 'events'
   */
  emits?: Emits;
  /** Turns payloads that are not strings into text. @default JSON.stringify */
  serialize?: Serialize;
}

/** The options of a stream that are about formatting. */
export interface StreamFormatOptions extends FormatOptions {
  /**
   * IDs for events that have none. `'sequence'` numbers them from 1, or from a numeric `Last-Event-ID`. A function makes the
   * ID from the yielded value. @default false
   */
  ids?: false | 'sequence' | ((value: unknown, context: ExecutionContext) => string | undefined);
  /**
   * Validates the events of routes, channels and runs that have a contract (`events`). @default true unless `NODE_ENV` is
   * `'production'`
   */
  validate?: boolean;
}

/** Kinds of {@link FormatOptions}. */
export const FORMAT_TABLE = {
  emits: oneOf('events', 'data'),
  serialize: func('that makes text of a value, such as JSON.stringify'),
} satisfies OptionTable<FormatOptions>;

/** Kinds of {@link StreamFormatOptions}. */
export const STREAM_FORMAT_TABLE = {
  ...FORMAT_TABLE,
  ids: anyOf(none, oneOf('sequence'), func('of the value and the request')),
  validate: flag,
} satisfies OptionTable<StreamFormatOptions>;

/** Defaults of {@link StreamFormatOptions}. */
export const FORMAT_DEFAULTS = {
  emits: 'events',
  serialize: JSON.stringify as Serialize,
  ids: false,
} as const satisfies StreamFormatOptions;

/** {@link StreamFormatOptions} with all defaults filled in. */
export interface ResolvedFormat extends Required<Omit<StreamFormatOptions, 'validate'>> {
  /** The contract by which values are validated. `undefined` if they are not. */
  contract: AnyContract | undefined;
}
