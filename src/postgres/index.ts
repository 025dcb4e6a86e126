export { postgresLog, type PostgresLog } from './log/postgres-log.js';
export type { PostgresLogOptions, PostgresRetention } from './log/postgres-log.options.js';
export { postgresSlots, type PostgresSlots } from './slots/postgres-slots.js';
export type { PostgresSlotsOptions } from './slots/postgres-slots.options.js';
export { migrations, type Migration, type MigrationsOptions } from './schema/migrations.js';
export type { PostgresConfig, PostgresConnection, PostgresPoolLike } from './link/postgres-client.js';
