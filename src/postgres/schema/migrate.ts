import type { Query } from '../link/postgres-client.js';
import { sqlState } from '../link/postgres-errors.js';
import { SCHEMA_VERSION, inSchema, migrationsFrom } from './migrations.js';

/** The advisory lock of those who change the tables. */
const MIGRATION_LOCK = 514;
/** A change that waits for a table blocks all statements that come after it, also those of other processes. */
const TABLE_LOCK_MS = 250;

/** The version of the tables that code was written for. */
export interface TablesVersion {
  readonly version: number;
  readonly migrationsFrom: typeof migrationsFrom;
}

const CURRENT: TablesVersion = { version: SCHEMA_VERSION, migrationsFrom };

/**
 * Makes sure that the tables are there, in a version that this code works with. Tables of a later version are used as they
 * are, as long as they say that they are compatible: so nodes of two versions can run side by side.
 *
 * @throws {Error} that says what to do, if they are not.
 */
export async function ensureSchema(
  query: Query,
  schema: string,
  createSchema: boolean,
  target = CURRENT,
): Promise<void> {
  let found = await versionOf(query, schema);
  if (createSchema && (found?.version ?? 0) < target.version) {
    await migrate(query, schema, target);
    found = await versionOf(query, schema);
  }
  if (!found) throw new Error(`the schema "${schema}" has no tables: ${REMEDY}`);
  if (found.version < target.version) {
    throw new Error(
      `the tables in the schema "${schema}" have version ${found.version}, and need version ${target.version}: ${REMEDY}`,
    );
  }
  if (found.compatible > target.version) {
    throw new Error(
      `the tables in the schema "${schema}" have version ${found.version}, which this version of the library does not ` +
        'know: update nestjs-event-stream on this node',
    );
  }
}

const REMEDY = 'run the statements of migrations(), or set createSchema: true';

interface Version {
  readonly version: number;
  readonly compatible: number;
}

async function versionOf(query: Query, schema: string): Promise<Version | undefined> {
  // As text, because a pool can have parsers of its own for other types.
  const [[table] = []] = await query('SELECT to_regclass($1)::text', [`"${schema}".sse_state`]);
  if (table == null) return undefined;
  const [row] = await query(inSchema(schema, 'SELECT version, compatible FROM $S.sse_state'));
  return row && { version: Number(row[0]), compatible: Number(row[1]) };
}

/** One statement, so that it is one transaction, over a pooler too. */
async function migrate(query: Query, schema: string, target: TablesVersion): Promise<void> {
  const steps = target
    .migrationsFrom(0, schema)
    .map(
      ({ version, sql }) => `IF v_version < ${version} THEN EXECUTE $statements$${sql}$statements$; END IF;`,
    );
  const text = `DO $migrate$ DECLARE v_version integer := 0; BEGIN
    PERFORM pg_advisory_xact_lock($K, ${MIGRATION_LOCK});
    PERFORM set_config('lock_timeout', '${TABLE_LOCK_MS}', true);
    IF to_regnamespace('$S') IS NULL THEN CREATE SCHEMA $S; END IF;
    IF to_regclass('$S.sse_state') IS NOT NULL THEN SELECT version INTO v_version FROM $S.sse_state; END IF;
    ${steps.join('\n')}
  END $migrate$`;
  try {
    await query(inSchema(schema, text));
  } catch (error) {
    if (sqlState(error) !== LOCK_TIMEOUT) throw error;
    throw new Error(
      `the tables in the schema "${schema}" cannot be updated while a transaction uses them. The update is tried again: ` +
        'wait for the transaction, or end it',
      { cause: error },
    );
  }
}

const LOCK_TIMEOUT = '55P03';
