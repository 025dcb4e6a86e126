import { StatementType, type DuckDBPreparedStatement } from '@duckdb/node-api';
import { BadRequestException, Injectable } from '@nestjs/common';
import { Pace } from '../pace.js';
import type { EngineConnection } from './engine-connection.js';
import { Engine } from './engine.service.js';
import { HISTORY, historicalSql } from './historical-sql.js';
import { Query, type Column } from './query.js';
import { selectShape, type SelectShape } from './select-shape.js';
import { READINGS, SensorReadings } from './sensor-readings.service.js';

/** What `json_serialize_sql` makes of a text. */
type SyntaxTree =
  | { error: true; error_type: string; error_message: string }
  | { error: false; statements: { node: Record<string, unknown> }[] };

/** Takes statements from clients, and refuses what is not one harmless SELECT. */
@Injectable()
export class Queries {
  constructor(
    private readonly engine: Engine,
    private readonly readings: SensorReadings,
    private readonly pace: Pace,
  ) {}

  /**
   * A query that is ready to run. Its connection to the engine lasts until `signal` aborts, whatever became of it.
   *
   * @throws {BadRequestException} for a statement that the engine does not understand, or that is no SELECT.
   */
  async open(sql: string, signal: AbortSignal): Promise<Query> {
    const connection = await this.engine.connect(signal);
    const engineSql = historicalSql(sql);
    const shape = await this.#shape(connection, engineSql);
    const { end: from } = this.readings;
    const { header, streaming } = await this.#header(connection, engineSql, shape);
    const plan = { sql, engineSql, header, shape, streaming, from, connection, signal };
    return new Query(plan, this.readings, this.pace);
  }

  async #shape(connection: EngineConnection, sql: string): Promise<SelectShape> {
    const text = await connection.value('SELECT json_serialize_sql($1::VARCHAR)', [sql]);
    const tree = JSON.parse(String(text)) as SyntaxTree;
    if (tree.error) throw new BadRequestException(parseError(tree));
    const [statement, another] = tree.statements;
    if (statement === undefined || another !== undefined) {
      throw new BadRequestException('"sql" must be one statement.');
    }
    return selectShape(statement.node, READINGS, this.engine.aggregates);
  }

  /** A statement that cannot do without a table of the stream's name reads the stream. */
  async #header(
    connection: EngineConnection,
    sql: string,
    shape: SelectShape,
  ): Promise<{ header: Column[]; streaming: boolean }> {
    try {
      return { header: headerOf(await connection.prepare(sql)), streaming: false };
    } catch (error) {
      if (!shape.streams) throw error;
    }
    await connection.run(`CREATE TEMP TABLE ${READINGS} AS FROM ${HISTORY}.${READINGS} LIMIT 0`);
    return { header: headerOf(await connection.prepare(sql)), streaming: !shape.describes };
  }
}

function headerOf(statement: DuckDBPreparedStatement): Column[] {
  try {
    if (statement.statementType !== StatementType.SELECT) throw new BadRequestException(ONLY_SELECT);
    if (statement.parameterCount > 0) throw new BadRequestException('A query has no parameters here.');
    return Array.from({ length: statement.columnCount }, (_, column) => ({
      name: statement.columnName(column),
      type: String(statement.columnType(column)),
    }));
  } finally {
    statement.destroySync();
  }
}

function parseError({ error_type, error_message }: { error_type: string; error_message: string }): string {
  return error_type === 'not implemented' ? ONLY_SELECT : `Parser Error: ${error_message}`;
}

const ONLY_SELECT = 'Only a SELECT can be run here.';
