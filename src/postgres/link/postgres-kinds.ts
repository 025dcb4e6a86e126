import type { OptionKind } from '../../checking/option-check.js';
import { anyOf, anything, kind, none, required } from '../../checking/option-kinds.js';

/** Default of the option `schema`. */
export const DEFAULT_SCHEMA = 'sse';
/** Default of the option `pingMs`. */
export const DEFAULT_PING_MS = 5000;

/** The option `client`. `connectionConfig()` checks what it is. */
export const postgresClient: OptionKind = required({
  ...anything,
  words: ['a Pool of "pg", the options of one, or a connection string'],
});

/** The option `listen`. */
export const postgresListen: OptionKind = anyOf(
  none,
  kind(
    (value) => typeof value === 'string' || (typeof value === 'object' && value !== null),
    'the connection that receives notifications',
  ),
);

/** The option `schema`. Notifications are sent under a name made of it, and names in PostgreSQL have 63 bytes. */
export const schemaName: OptionKind = kind(
  (value) => typeof value === 'string' && /^[A-Za-z_][A-Za-z0-9_]{0,47}$/.test(value),
  'the name of a schema: letters, digits and "_", at most 48',
);
