import type { DuckDBDataChunk, DuckDBVector, Json } from '@duckdb/node-api';
import { BadRequestException } from '@nestjs/common';
import { jsonValue } from './json-value.js';

/** A row in the order of the header. */
export type Row = readonly (Json | null)[];

/** As many rows go into one event. */
const MAX_ROWS = 500;
/** So long at most does making a batch keep everything else waiting. */
const MAX_TURN_MS = 5;
/** A list with more elements cannot be read a little at a time, so it is not read at all. */
const MAX_ELEMENTS = 100_000;

/**
 * The rows of a chunk in batches, each made in a turn of the event loop of its own.
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
