import { BadRequestException } from '@nestjs/common';
import { HISTORY } from './historical-sql.js';

/** What a SELECT means for the way it is run. */
export interface SelectShape {
  /**
   * Whether a new row may change what was answered before (aggregates, windows, DISTINCT, ORDER BY, …): over a stream
   * such a query is answered anew, as a whole.
   */
  readonly stateful: boolean;
  /** After as many rows it is over, over a stream too. */
  readonly limit: number | undefined;
  /** Whether it only describes something. */
  readonly describes: boolean;
  /** Whether it reads from the stream, unless it gives that name to something else. */
  readonly streams: boolean;
  /** Whether it reads stored rows. */
  readonly stores: boolean;
}

/** Functions in FROM that give nothing away and change nothing; whatever else the engine has is refused. */
const TABLE_FUNCTIONS = new Set([
  'range',
  'generate_series',
  'unnest',
  'repeat',
  'json_each',
  'json_tree',
  'test_all_types',
]);
/** Functions that do something besides answering. */
const REFUSED_FUNCTIONS = new Set(['sleep_ms', 'pg_sleep', 'write_log', 'setseed', 'nextval']);

type Node = Readonly<Record<string, unknown>>;

/** What is known of a part of the statement. */
interface Found {
  /** It reads the stream. */
  streams: boolean;
  /** It sums up, orders or cuts what the SELECT around it reads. */
  gathers: boolean;
  stateful: boolean;
  describes: boolean;
  stores: boolean;
}

/**
 * Reads the syntax tree of a SELECT, as the engine's `json_serialize_sql` gives it.
 *
 * @param stream Name of the table that stands for a stream where it stands without a schema.
 * @param aggregates Names of the engine's aggregate functions.
 * @throws {BadRequestException} for a function that is not for everybody.
 */
export function selectShape(select: Node, stream: string, aggregates: ReadonlySet<string>): SelectShape {
  const visit = (value: unknown): Found => {
    const found = { streams: false, gathers: false, stateful: false, describes: false, stores: false };
    if (typeof value !== 'object' || value === null) return found;
    for (const child of Object.values(value)) add(found, visit(child));
    const node = value as Node;
    refuse(node);
    if (node['type'] === 'BASE_TABLE' && node['table_name'] === stream && !node['schema_name'])
      found.streams = true;
    if (node['type'] === 'BASE_TABLE' && node['schema_name'] === HISTORY) found.stores = true;
    if (node['type'] === 'SHOW_REF') found.describes = true;
    if (node['class'] === 'WINDOW' || aggregates.has(functionName(node))) found.gathers = true;
    if (!isQuery(node)) return found;
    if (found.streams && (found.gathers || gathersItself(node))) found.stateful = true;
    found.gathers = false;
    return found;
  };
  const limit = constantLimit(select);
  const { stateful, describes, streams, stores } = visit(
    limit === undefined ? select : { ...select, modifiers: [] },
  );
  return { stateful, describes, streams, stores, limit: stateful ? undefined : limit };
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

/** The n of a `LIMIT n` that is all there is at the end of the statement. */
function constantLimit({ modifiers }: Node): number | undefined {
  if (!Array.isArray(modifiers) || modifiers.length !== 1) return undefined;
  const { type, limit, offset } = modifiers[0] as { type: string; limit?: Node | null; offset?: unknown };
  if (type !== 'LIMIT_MODIFIER' || offset !== null || limit?.['class'] !== 'CONSTANT') return undefined;
  const { value } = limit['value'] as { value?: unknown };
  return typeof value === 'number' && value >= 0 ? value : undefined;
}
