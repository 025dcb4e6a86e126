/**
 * Runs one statement in a transaction of the application. The placeholders are `$1` to `$n`, each once and in this order, and
 * all values are text. Resolves with the rows, or with an object that has them as `rows`.
 */
export type TransactionQuery = (text: string, values: unknown[]) => PromiseLike<unknown>;

/**
 * A transaction of the application: the function that runs a statement in it, or an object that has it as its method `query`. A
 * client of `pg` is one, and the `EntityManager` of TypeORM. docs/postgres.md shows the function for Drizzle, Kysely, Prisma and
 * MikroORM.
 */
export type Transaction = TransactionQuery | { query: TransactionQuery };
