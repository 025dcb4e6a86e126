import { BadRequestException } from '@nestjs/common';
import { HISTORY } from './historical-sql.js';

/** The properties of a SELECT that decide how it is run. */
export interface SelectShape {
  /**
   * Whether a new row can change earlier results, as with aggregates, windows, DISTINCT or ORDER BY. Over a stream, the
   * whole result of such a query is sent each time.
   */
  readonly stateful: boolean;
  /** Number of rows after which the query ends, also over a stream. */
  readonly limit: number | undefined;
  /** Whether it only describes a table or a query. */
  readonly describes: boolean;
  /** Whether it reads from a stream, unless it gives that name to something else. */
  readonly streams: boolean;
  /** Whether it reads stored rows. */
  readonly stores: boolean;
  /** The names of the streams that it reads, as streams or as stored rows. */
  readonly names: ReadonlySet<string>;
}

/** Functions in FROM that reveal nothing and change nothing. All others are rejected. */
const TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'json_each',
  'json_tree',
  'test_all_types',
]);
/** Functions with side effects. */
const REFUSED_FUNCTIONS = new Set(['sleep_ms', 'pg_sleep', 'write_log', 'setseed', 'nextval']);

type Node = Readonly<Record<string, unknown>>;

/** The findings about a part of the statement. */
interface Found {
  /** It reads the stream. */
  streams: boolean;
  /** It aggregates, orders or limits the rows of the SELECT around it. */
  gathers: boolean;
  stateful: boolean;
  describes: boolean;
  stores: boolean;
}

/**
 * Reads the syntax tree of a SELECT from `json_serialize_sql`.
 *
 * @param streams Names of the streams. A table without a schema that has one of these names is a stream.
 * @param aggregates Names of the engine's aggregate functions.
 * @throws {BadRequestException} for a function that is not allowed.
 */
export function selectShape(
  select: Node,
  streams: ReadonlySet<string>,
  aggregates: ReadonlySet<string>,
): SelectShape {
  const names = new Set<string>();
  const visit = (value: unknown): Found => {
    const found = { streams: false, gathers: false, stateful: false, describes: false, stores: false };
    if (typeof value !== 'object' || value === null) return found;
    for (const child of Object.values(value)) add(found, visit(child));
    const node = value as Node;
    refuse(node);
    if (node['type'] === 'BASE_TABLE' && streams.has(tableName(node))) {
      names.add(tableName(node));
      if (!node['schema_name']) found.streams = true;
      if (node['schema_name'] === HISTORY) found.stores = true;
    }
    if (node['type'] === 'SHOW_REF') found.describes = true;
    if (node['class'] === 'WINDOW' || aggregates.has(functionName(node))) found.gathers = true;
    if (!isQuery(node)) return found;
    if (found.streams && (found.gathers || gathersItself(node))) found.stateful = true;
    found.gathers = false;
    return found;
  };
  const limit = constantLimit(select);
  const found = visit(limit === undefined ? select : { ...select, modifiers: [] });
  const { stateful, describes, stores } = found;
  return { stateful, describes, streams: found.streams, stores, names, limit: stateful ? undefined : limit };
}

function add(to: Found, more: Found): void {
  for (const key of Object.keys(more) as (keyof Found)[]) to[key] ||= more[key];
}

function refuse(node: Node): void {
  const inFrom = node['type'] === 'TABLE_FUNCTION';
  const name = functionName(inFrom ? ((node['function'] ?? {}) as Node) : node);
  if (inFrom ? TABLE_FUNCTIONS.has(name) : !REFUSED_FUNCTIONS.has(name)) return;
  throw new BadRequestException(`The function "${name}" cannot be used here.`);
}

function functionName({ function_name }: Node): string {
  return typeof function_name === 'string' ? function_name.toLowerCase() : '';
}

function tableName({ table_name }: Node): string {
  return typeof table_name === 'string' ? table_name : '';
}

function isQuery({ type }: Node): boolean {
  return typeof type === 'string' && type.endsWith('_NODE');
}

function gathersItself(node: Node): boolean {
  const { type, modifiers, group_expressions, aggregate_handling = 'STANDARD_HANDLING', sample } = node;
  if (type === 'SET_OPERATION_NODE' && !(node['setop_type'] === 'UNION' && node['setop_all'] === true))
    return true;
  if (type === 'RECURSIVE_CTE_NODE' || aggregate_handling !== 'STANDARD_HANDLING') return true;
  return isFilled(modifiers) || isFilled(group_expressions) || (sample ?? null) !== null;
}

function isFilled(value: unknown): boolean {
  return Array.isArray(value) && value.length > 0;
}

/** The number in `LIMIT n`, if the statement ends with nothing else. */
function constantLimit({ modifiers }: Node): number | undefined {
  if (!Array.isArray(modifiers) || modifiers.length !== 1) return undefined;
  const { type, limit, offset } = modifiers[0] as { type: string; limit?: Node | null; offset?: unknown };
  if (type !== 'LIMIT_MODIFIER' || offset !== null || limit?.['class'] !== 'CONSTANT') return undefined;
  const { value } = limit['value'] as { value?: unknown };
  return typeof value === 'number' && value >= 0 ? value : undefined;
}
