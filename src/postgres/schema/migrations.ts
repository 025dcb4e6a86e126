import { checkOptions, type OptionTable } from '../../checking/option-check.js';
import { DEFAULT_SCHEMA, schemaName } from '../link/postgres-kinds.js';
import { APPEND } from './version-1/append.js';
import { EPOCH } from './version-1/epoch.js';
import { LEASES } from './version-1/leases.js';
import { PUBLISH } from './version-1/publish.js';
import { READ } from './version-1/read.js';
import { RETENTION } from './version-1/retention.js';
import { SNAPSHOTS } from './version-1/snapshots.js';
import { TABLES } from './version-1/tables.js';

/** One step from a version of the tables to the next. */
export interface Migration {
  /** The version of the tables after it, from 1 on. */
  readonly version: number;
  /** Statements, separated by semicolons. Run them in one transaction. */
  readonly sql: string;
}

/** Options of {@link migrations}. */
export interface MigrationsOptions {
  /** The schema of the tables. It is created if it does not exist. @default 'sse' */
  schema?: string | undefined;
}

const TABLE: OptionTable<MigrationsOptions> = { schema: schemaName };

/** @internal A step as it is written here: `$S` is the schema, `$K` the number of its advisory locks. */
export interface Step {
  readonly sql: string;
  /** The oldest version whose code works with the tables after this step. */
  readonly compatible: number;
}

// A step is never changed once it is released. One that removes what the version before uses raises `compatible`, and then
// needs a release of its own after all nodes have the code that does without.
/** @internal */
export const STEPS: readonly Step[] = [
  { sql: [TABLES, EPOCH, APPEND, PUBLISH, READ, RETENTION, SNAPSHOTS, LEASES].join('\n'), compatible: 1 },
];

/** The version of the tables that this code was written for. */
export const SCHEMA_VERSION = STEPS.length;

/**
 * Returns the SQL that creates the tables of {@link postgresLog} and {@link postgresSlots}, for applications that run their
 * own migrations. Each entry is one migration. Entries are never changed; a later version of the library adds more.
 *
 * @throws {SseError} `SSE_INVALID_OPTIONS`
 * @example
 * for (const { sql } of migrations()) await queryRunner.query(sql);
 */
export function migrations(options: MigrationsOptions = {}): readonly Migration[] {
  checkOptions('migrations()', options, TABLE);
  const { schema = DEFAULT_SCHEMA } = options;
  return migrationsFrom(0, schema).map(({ version, sql }) => ({
    version,
    sql: version === 1 ? `CREATE SCHEMA IF NOT EXISTS ${quoteSchema(schema)};\n${sql}` : sql,
  }));
}

/** @internal The migrations after a version, for a schema that exists. */
export function migrationsFrom(version: number, schema: string, steps = STEPS): readonly Migration[] {
  return steps.slice(version).map(({ sql, compatible }, i) => {
    const next = version + i + 1;
    return { version: next, sql: inSchema(schema, `${sql}\n${note(next, compatible)}`) };
  });
}

function note(version: number, compatible: number): string {
  if (version > 1) return `UPDATE $S.sse_state SET version = ${version}, compatible = ${compatible};`;
  return `INSERT INTO $S.sse_state (version, compatible, epoch, system)
  VALUES (${version}, ${compatible}, $S.sse_epoch_after_1(''), $S.sse_system_1());`;
}

/** SQL for a schema: `$S` and `$K` are replaced. */
export function inSchema(schema: string, sql: string): string {
  return sql.replaceAll('$S', quoteSchema(schema)).replaceAll('$K', `${lockClass(schema)}`);
}

/** A schema as an identifier in SQL. */
function quoteSchema(schema: string): string {
  return `"${schema}"`;
}

/** The first number of all advisory locks of a schema. FNV-1a over its name. */
function lockClass(schema: string): number {
  let hash = 0x811c9dc5;
  for (const character of `nestjs-event-stream:${schema}`) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return hash >>> 1;
}
