import type { Query } from '../link/postgres-client.js';
import { SCHEMA_VERSION, inSchema, migrationsFrom } from './migrations.js';

/** The advisory lock of those who change the tables. */
const MIGRATION_LOCK = 514;

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
  target = { version: SCHEMA_VERSION, migrationsFrom },
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
  const [[exists] = []] = await query('SELECT to_regclass($1) IS NOT NULL', [`"${schema}".sse_state`]);
  if (exists !== true) return undefined;
  const [row] = await query(inSchema(schema, 'SELECT version, compatible FROM $S.sse_state'));
  return row && { version: Number(row[0]), compatible: Number(row[1]) };
}

/** One statement, so that it is one transaction, over a pooler too. */
async function migrate(
  query: Query,
  schema: string,
  target: { migrationsFrom: typeof migrationsFrom },
): Promise<void> {
  const steps = target
    .migrationsFrom(0, schema)
    .map(
      ({ version, sql }) => `IF v_version < ${version} THEN EXECUTE $statements$${sql}$statements$; END IF;`,
    );
  const text = `DO $migrate$ DECLARE v_version integer := 0; BEGIN
    PERFORM pg_advisory_xact_lock($K, ${MIGRATION_LOCK});
    IF to_regnamespace('$S') IS NULL THEN CREATE SCHEMA $S; END IF;
    IF to_regclass('$S.sse_state') IS NOT NULL THEN SELECT version INTO v_version FROM $S.sse_state; END IF;
    ${steps.join('\n')}
  END $migrate$`;
  await query(inSchema(schema, text));
}
