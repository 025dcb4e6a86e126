import { StatementType, type DuckDBPreparedStatement } from '@duckdb/node-api';
import { BadRequestException, Injectable } from '@nestjs/common';
import { Pace } from '../pace.js';
import type { EngineConnection } from './engine-connection.js';
import { Engine } from './engine.service.js';
import { historicalSql } from './historical-sql.js';
import { Query } from './query.js';
import type { Column } from './query-events.js';
import { selectShape, type SelectShape } from './select-shape.js';
import type { GrowingTable } from './growing-table.js';
import { Streams } from './streams.service.js';
import { typeName } from './type-name.js';

/** The result of `json_serialize_sql`. */
type SyntaxTree =
  | { error: true; error_type: string; error_message: string }
  | { error: false; statements: { node: Record<string, unknown> }[] };

/** Accepts one harmless SELECT from a client, and rejects everything else. */
@Injectable()
export class Queries {
  constructor(
    private readonly engine: Engine,
    private readonly streams: Streams,
    private readonly pace: Pace,
  ) {}

  /**
   * Prepares a query. Its connection to the engine stays open until `signal` aborts, also if the query fails.
   *
   * @throws {BadRequestException} for a statement that the engine rejects, or that is not a SELECT.
   */
  async open(sql: string, signal: AbortSignal): Promise<Query> {
    const connection = await this.engine.connect(signal);
    const engineSql = historicalSql(sql);
    const shape = await this.#shape(connection, engineSql);
    const table = this.#table(shape);
    const from = table?.end ?? { id: 0, time: 0 };
    const { header, streaming } = await this.#header(connection, engineSql, shape, table);
    const plan = { sql, engineSql, header, shape, table, streaming, from, connection, signal };
    return new Query(plan, this.pace);
  }

  async #shape(connection: EngineConnection, sql: string): Promise<SelectShape> {
    const text = await connection.value('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
    const tree = JSON.parse(String(text)) as SyntaxTree;
    if (tree.error) throw new BadRequestException(parseError(tree));
    const [statement, another] = tree.statements;
    if (statement === undefined || another !== undefined) {
      throw new BadRequestException('"sql" must be one statement.');
    }
    return selectShape(statement.node, this.streams.names, this.engine.aggregates);
  }

  /** The table that a statement reads, if it reads one. */
  #table({ names }: SelectShape): GrowingTable | undefined {
    const [name, another] = names;
    if (another !== undefined) throw new BadRequestException('A query can read only one of the streams.');
    return name === undefined ? undefined : this.streams.get(name);
  }

  /** A statement reads the stream if it fails without a table of that name. */
  async #header(
    connection: EngineConnection,
    sql: string,
    shape: SelectShape,
    table: GrowingTable | undefined,
  ): Promise<{ header: Column[]; streaming: boolean }> {
    try {
      return { header: headerOf(await connection.prepare(sql)), streaming: false };
    } catch (error) {
      if (!shape.streams || table === undefined) throw error;
    }
    await connection.run(table.createEmpty);
    return { header: headerOf(await connection.prepare(sql)), streaming: !shape.describes };
  }
}

function headerOf(statement: DuckDBPreparedStatement): Column[] {
  try {
    if (statement.statementType !== StatementType.SELECT) throw new BadRequestException(ONLY_SELECT);
    if (statement.parameterCount > 0) throw new BadRequestException('A query has no parameters here.');
    return Array.from({ length: statement.columnCount }, (_, column) => ({
      name: statement.columnName(column),
      type: typeName(String(statement.columnType(column))),
    }));
  } finally {
    statement.destroySync();
  }
}

function parseError({ error_type, error_message }: { error_type: string; error_message: string }): string {
  return error_type === 'not implemented' ? ONLY_SELECT : `Parser Error: ${error_message}`;
}

const ONLY_SELECT = 'Only a SELECT can be run here.';
