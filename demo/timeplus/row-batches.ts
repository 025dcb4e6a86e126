import type { DuckDBDataChunk, DuckDBVector, Json } from '@duckdb/node-api';
import { BadRequestException } from '@nestjs/common';
import { jsonValue } from './json-value.js';

/** A row in the order of the header. */
export type Row = readonly (Json | null)[];

/** Maximum number of rows in one event. */
const MAX_ROWS = 500;
/** Maximum time for which a batch blocks the event loop. */
const MAX_TURN_MS = 5;
/** Maximum number of elements in a list. A longer list would block the event loop, because it is read at once. */
const MAX_ELEMENTS = 100_000;

/**
 * Reads the rows of a chunk in batches, each in its own turn of the event loop.
 *
 * @throws {BadRequestException} for a list that is too long.
 */
export async function* rowBatches(chunk: DuckDBDataChunk): AsyncGenerator<Row[], void, undefined> {
  const { rowCount } = chunk;
  let row = 0;
  while (row < rowCount) {
    if (row > 0) await nextTurn();
    const batch: Row[] = [];
    const until = performance.now() + MAX_TURN_MS;
    do {
      refuseLongLists(chunk, row);
      batch.push(chunk.convertRowValues(row++, jsonValue));
    } while (row < rowCount && batch.length < MAX_ROWS && performance.now() < until);
    yield batch;
  }
}

interface Listing {
  getEntryLength(row: number): number;
}

function refuseLongLists(chunk: DuckDBDataChunk, row: number): void {
  for (let column = 0; column < chunk.columnCount; column++) {
    const vector: DuckDBVector & Partial<Listing> = chunk.getColumnVector(column);
    if ((vector.getEntryLength?.(row) ?? 0) <= MAX_ELEMENTS) continue;
    throw new BadRequestException(`A list may have ${MAX_ELEMENTS} elements: unnest it into rows.`);
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
