export { postgresLog, type PostgresLog } from './log/postgres-log.js';
export type { PostgresLogOptions, PostgresRetention } from './log/postgres-log.options.js';
export { migrations, type Migration, type MigrationsOptions } from './schema/migrations.js';
export type { PostgresConfig, PostgresConnection, PostgresPoolLike } from './link/postgres-client.js';
